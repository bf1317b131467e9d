/** What a place of kernel memory has held: written as the rows of the Variables pane write what it holds now. */
import { show } from '../../language/interpreter/show.js';
import { type Cell, infoOf, machine, WORDS, wordsIn } from '../../machine/index.js';
import { aboutElement, aboutField } from './cells.js';
import type { Format } from './container.js';
import type { About } from './describe.js';

/** What is known of a place by itself: as a field of its structure, or as a word of a table that lies in memory. */
export function aboutCell({ obj, slot }: Cell): About {
  if (obj === machine.phys) return aboutWord(slot);
  const info = infoOf(obj);
  const name = obj.$slotName(slot);
  const field = info?.fields[name];
  if (field !== undefined) return aboutField(obj, name, field);
  const text = obj.$text?.bind(obj);
  return {
    cell: { obj, slot },
    ...('put' in obj ? {} : { fixed: `a ${obj.$name} is changed by kernel code alone` }),
    ...(text === undefined ? {} : { past: (raw) => new Said(text(slot, raw)) }),
  };
}

function aboutWord(pa: number): About {
  const frame = machine.phys.frameOf(pa);
  const words = frame === undefined ? null : wordsIn(frame.owner, frame.pfn);
  if (words !== null) return aboutElement(words[1] as never, pa % WORDS, undefined);
  return { cell: { obj: machine.phys, slot: pa }, show: 'hex' };
}

/** Text that stands for a value that cannot be shown by itself. */
export class Said {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}

/** A value that a place has held, in one line. */
export function pastText(about: About, raw: unknown, format: Format): string {
  const value = about.past === undefined ? raw : about.past(raw);
  return show(value, { type: about.type, show: about.show, hex: format.hex });
}
