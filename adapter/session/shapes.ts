/**
 * Shapes of request arguments. A shape reads an untrusted value and returns it typed; what does not fit is refused with the path
 * of the offending value. Members that a shape does not name are ignored, as the protocol asks.
 */

/** Says what a value must be; `path` is where it stands, such as `breakpoints[2].line`. Throws what `refuse` makes. */
export type Shape<T> = (value: unknown, path: string, refuse: Refuse) => T;
/** Makes the error for a value that does not fit. */
export type Refuse = (path: string, expected: string, found: unknown) => Error;
/** The type that a shape reads. */
export type Read<S> = S extends Shape<infer T> ? T : never;

const primitive =
  <T>(expected: string, fits: (v: unknown) => boolean): Shape<T> =>
  (value, path, refuse) => {
    if (!fits(value)) throw refuse(path, expected, value);
    return value as T;
  };

export const integer = primitive<number>('an integer', Number.isSafeInteger);
export const text = primitive<string>('a string', (v) => typeof v === 'string');
export const flag = primitive<boolean>('true or false', (v) => typeof v === 'boolean');
export const anything: Shape<unknown> = (value) => value;

/** A value that may be left out, or be null. */
export const optional =
  <T>(of: Shape<T>): Shape<T | undefined> =>
  (value, path, refuse) =>
    value === undefined || value === null ? undefined : of(value, path, refuse);

/** A list of values of one shape. */
export const list =
  <T>(of: Shape<T>): Shape<T[]> =>
  (value, path, refuse) => {
    if (!Array.isArray(value)) throw refuse(path, 'a list', value);
    return value.map((v, i) => of(v, `${path}[${i}]`, refuse));
  };

/** An object with these members. */
export const object =
  <M extends Readonly<Record<string, Shape<unknown>>>>(members: M): Shape<{ [K in keyof M]: Read<M[K]> }> =>
  (value, path, refuse) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw refuse(path, 'an object', value);
    const from = value as Record<string, unknown>;
    const read: Record<string, unknown> = {};
    for (const name in members) {
      const member = (members[name] as Shape<unknown>)(
        from[name],
        path === '' ? name : `${path}.${name}`,
        refuse,
      );
      if (member !== undefined) read[name] = member;
    }
    return read as { [K in keyof M]: Read<M[K]> };
  };

/** The arguments of a request that needs none: an absent object counts as an empty one. */
export const nothing: Shape<Record<string, never>> = () => ({});
