/** Reading and writing through `.field` and `[index]`. Only what is declared can be reached: never the insides of the tool. */
import { Bitmap, infoOf, isIndexed, KArray, KObject, keptFor, seen } from '../../machine/index.js';
import { membersOfValue } from '../members.js';
import { didYouMean } from '../near.js';
import { canon, ExpressionError, fromKernel, kindOf, truth, type Value, whole } from './values.js';

/** Reads a declared field or a built-in member. Throws `ExpressionError`, with a near name. */
export function readField(receiver: Value, name: string): Value {
  if (receiver === null) throw new ExpressionError(`none has no field '${name}'`);
  if (receiver instanceof KObject) {
    notFreed(receiver);
    const info = infoOf(receiver);
    const field = info !== undefined && Object.hasOwn(info.fields, name) ? info.fields[name] : undefined;
    if (field !== undefined)
      return fromKernel(seen(field, (receiver as unknown as Record<string, unknown>)[name]));
  }
  const members = membersOfValue(receiver);
  const member = members.find((m) => m.name === name);
  if (member !== undefined) return fromKernel((member.get as (self: unknown) => unknown)(receiver));
  const names = [
    ...(receiver instanceof KObject ? Object.keys(infoOf(receiver)?.fields ?? {}) : []),
    ...members.map((m) => m.name),
  ];
  throw new ExpressionError(`${kindOf(receiver)} has no field '${name}'${didYouMean(name, names)}`);
}

/** Memory that the kernel has freed is gone for a scenario too: what is there now says nothing. Throws `ExpressionError`. */
function notFreed(obj: KObject): void {
  if (obj.$freed !== null)
    throw new ExpressionError(
      `this ${obj.$name} was freed by ${obj.$freed.thread} at step ${obj.$freed.step}`,
    );
}

/** Sets a declared field; the value is brought into the form that kernel code keeps there. Throws `ExpressionError`. */
export function writeField(receiver: Value, name: string, value: Value): void {
  if (receiver instanceof KObject) notFreed(receiver);
  const info = receiver instanceof KObject ? infoOf(receiver) : undefined;
  const field = info !== undefined && Object.hasOwn(info.fields, name) ? info.fields[name] : undefined;
  if (field === undefined) {
    readField(receiver, name);
    throw new ExpressionError(`'${name}' of ${kindOf(receiver)} cannot be set`);
  }
  if (field.readonly) throw new ExpressionError(`'${name}' of ${kindOf(receiver)} cannot be set`);
  const given = toKernel(value, field.initial, `'${name}'`);
  (receiver as unknown as Record<string, unknown>)[name] = keptFor(field, given);
}

function toKernel(value: Value, like: unknown, what: string): unknown {
  if (typeof like === 'bigint' && (typeof value === 'number' || typeof value === 'bigint'))
    return BigInt.asUintN(64, BigInt(value));
  if (typeof like === 'number') return whole(value, what);
  if (typeof like === 'boolean') return truth(value, what);
  if (typeof like === 'string' && typeof value !== 'string')
    throw new ExpressionError(`${what} must be a string, not ${kindOf(value)}`);
  return value;
}

/** Reads an element. Throws `ExpressionError` when there is none with that number. */
export function readIndex(receiver: Value, index: Value): Value {
  const i = typeof index === 'number' ? index : whole(index, 'the index');
  if (receiver instanceof KArray) return fromKernel(receiver.element(checked(i, receiver.length)));
  if (Array.isArray(receiver)) return receiver[checked(i, receiver.length)] as Value;
  if (receiver instanceof KObject && isIndexed(receiver))
    return fromKernel(receiver.element(checked(i, receiver.length)));
  throw new ExpressionError(
    receiver === null ? 'none has no elements' : `${kindOf(receiver)} has no elements`,
  );
}

/** Sets an element of a kernel array or bitmap; lists of the language never change. Throws `ExpressionError`. */
export function writeIndex(receiver: Value, index: Value, value: Value): void {
  const i = whole(index, 'the index');
  if (receiver instanceof Bitmap) {
    checked(i, receiver.length);
    const bit = 1n << BigInt(i % 64);
    const word = receiver.at(Math.floor(i / 64));
    receiver.put(Math.floor(i / 64), truth(value, 'a bit') ? word | bit : word & ~bit);
    return;
  }
  if (receiver instanceof KObject && isIndexed(receiver) && 'put' in receiver) {
    const like = receiver.element(checked(i, receiver.length));
    const given = toKernel(value, like, 'the element');
    receiver.$store(i, receiver.keptAs?.(i, given) ?? given);
    return;
  }
  throw new ExpressionError(`elements of ${kindOf(receiver)} cannot be set`);
}

function checked(i: number, length: number): number {
  if (i >= 0 && i < length) return i;
  throw new ExpressionError(`there is no element ${canon(i)}: the length is ${length}`);
}
