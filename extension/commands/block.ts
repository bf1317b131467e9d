/** Where a schedule stands in a scenario, or would go; as the language server tells it. */
export interface Place {
  readonly exists: boolean;
  /** What the members of the scenario are indented with. */
  readonly indent: string;
}

/** The text that writes a schedule block into a scenario: in place of another one, or on lines of its own after a member. */
export function placed(block: string, { exists, indent }: Place): string {
  const [first = '', ...rest] = block.trim().split(/\r?\n/);
  const lines = [first, ...rest.map((line) => (line.trim() === '' ? '' : indent + line))];
  return `${exists ? '' : `\n\n${indent}`}${lines.join('\n')}`;
}
