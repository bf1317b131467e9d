// The process in which the tests outside VS Code run: node build/mocha-child.mjs FILE OPTIONS, with a channel to its parent.
import { runMocha } from './mocha.cjs';

const [file, options] = process.argv.slice(2);
const result = await runMocha(file, JSON.parse(options));
process.send(result, () => process.disconnect());
