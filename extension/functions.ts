/** How the body of code begins that a line stands in. */
const TYPED = /^\S/;
const SCENARIO = /^\s*(scenario|setup|thread|fn|finally|always|reachable)\b/;

/**
 * The line in which the code begins that a line belongs to: in a scenario its thread or other part, in a model its function. Names
 * before it belong to others, though they read the same.
 *
 * @param text  the text of a line, counted from 0
 * @param typed whether it is a model
 */
export function startOfFunction(text: (line: number) => string, line: number, typed: boolean): number {
  for (let at = line; at > 0; at--) {
    const begins = typed ? TYPED.test(text(at)) && !/^[})/]/.test(text(at)) : SCENARIO.test(text(at));
    if (begins) return at;
  }
  return 0;
}
