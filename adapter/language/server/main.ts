/** The language server's process: it talks over what it was started with, `--stdio` or `--node-ipc`, and ends with its client. */
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { subsystems } from '../../emulator/registry.js';
import { serve } from './server.js';

serve(createConnection(ProposedFeatures.all), subsystems);
