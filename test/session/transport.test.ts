/** Messages on streams, in whatever pieces they come. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { Transport } from '../../adapter/session/transport.js';

interface Heard {
  readonly messages: unknown[];
  readonly errors: number[];
  gone: number;
}

function listen(): Heard & {
  readonly input: PassThrough;
  readonly output: PassThrough;
  readonly transport: Transport;
} {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const heard: Heard = { messages: [], errors: [], gone: 0 };
  const transport = new Transport(input, output, {
    message: (value) => heard.messages.push(value),
    malformed: (error) => heard.errors.push(error.id),
    gone: () => heard.gone++,
  });
  return Object.assign(heard, { input, output, transport });
}

const framed = (value: unknown) => {
  const json = Buffer.from(JSON.stringify(value));
  return Buffer.concat([Buffer.from(`Content-Length: ${json.length}\r\n\r\n`), json]);
};

describe('the transport', () => {
  it('reads the same messages however they are cut into pieces', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { minLength: 1 }),
        fc.array(fc.integer({ min: 1, max: 40 })),
        (values, sizes) => {
          const bytes = Buffer.concat(values.map(framed));
          const heard = listen();
          let from = 0;
          for (const size of [...sizes, bytes.length]) {
            heard.input.emit('data', bytes.subarray(from, from + size));
            from += size;
          }
          assert.deepEqual(heard.messages, JSON.parse(JSON.stringify(values)));
          assert.deepEqual(heard.errors, []);
        },
      ),
      { seed: 1 },
    );
  });

  it('never throws on any bytes, and finds the next message that comes by itself', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (pieces) => {
        const heard = listen();
        for (const p of pieces) heard.input.emit('data', Buffer.from(p));
        heard.input.emit('data', Buffer.from('\r\n\r\n'));
        const before = heard.messages.length;
        heard.input.emit('data', framed({ seq: 1 }));
        assert.deepEqual(heard.messages.slice(before), [{ seq: 1 }]);
      }),
      { seed: 1 },
    );
  });

  it('takes other headers, and the name of the length in any case', () => {
    const heard = listen();
    heard.input.emit('data', Buffer.from('Content-Type: x\r\ncontent-length: 2\r\n\r\n{}'));
    assert.deepEqual([heard.messages, heard.errors], [[{}], []]);
  });

  it('complains once of a stretch of bytes that is no message', () => {
    const heard = listen();
    for (let i = 0; i < 10; i++) heard.input.emit('data', Buffer.alloc(5000, 'x'));
    assert.deepEqual(heard.errors, [1001]);
  });

  it('says once that the other side is gone, and is silent then', () => {
    const heard = listen();
    heard.input.emit('end');
    heard.input.emit('close');
    heard.output.emit('close');
    heard.transport.send({ type: 'event' });
    assert.equal(heard.gone, 1);
    assert.equal(heard.output.read(), null);
  });

  it('numbers what it sends, and counts its bytes', () => {
    const heard = listen();
    heard.transport.send({ type: 'event' });
    heard.transport.send({ type: 'é' });
    const text = heard.output.read().toString();
    assert.equal(
      text,
      'Content-Length: 24\r\n\r\n{"type":"event","seq":1}Content-Length: 21\r\n\r\n{"type":"é","seq":2}',
    );
  });
});
