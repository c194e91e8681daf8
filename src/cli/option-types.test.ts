import { Command, type Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { countOption, durationOption, labelsOption, portOption, proxyOption } from './option-types.ts';

/** What the command has for `--x` with these arguments. Throws with what a user would read. */
function parse(option: Option, ...args: string[]): unknown {
  let said = '';
  const command = new Command()
    .addOption(option)
    .exitOverride()
    .configureOutput({ writeErr: (text) => (said += text) });
  try {
    return command.parse(args, { from: 'user' }).opts()['x'];
  } catch {
    throw new Error(said);
  }
}

const port = (): Option => portOption('--x <port>', 'a port', 8080);
const count = (): Option => countOption('--x <n>', 'a count', 64);
const duration = (): Option => durationOption('--x <duration>', 'a duration', 5_000);

it('an option that is not given has its default', () => {
  expect([parse(port()), parse(count()), parse(duration())]).toEqual([8080, 64, 5_000]);
});

it('an option that is given is read', () => {
  expect([parse(port(), '--x', '0'), parse(port(), '--x', '65535')]).toEqual([0, 65_535]);
  expect(parse(count(), '--x', '1')).toBe(1);
  expect(parse(duration(), '--x', '1m30s')).toBe(90_000);
  expect(parse(proxyOption('--x <url>', 'a proxy'), '--x', 'http://a:1')).toEqual({ host: 'a', port: 1 });
  const labels = labelsOption('--x <labels>', 'labels');
  expect(parse(labels, '--x', 'team, gpuvm.dev/pool')).toEqual(['team', 'gpuvm.dev/pool']);
});

describe('bad input is refused with what would be right', () => {
  it.each(['65536', '-1', '1.5', '', 'http', '0x10'])('port "%s"', (value) => {
    expect(() => parse(port(), `--x=${value}`)).toThrow('give a port from 0 to 65535');
  });

  it.each(['0', '-1', '1.5', '', 'many'])('count "%s"', (value) => {
    expect(() => parse(count(), `--x=${value}`)).toThrow('give a whole number from 1');
  });

  it.each([
    ['', '"" is no key of a label'],
    ['team,', '"" is no key of a label'],
    ['-team', '"-team" is no key of a label'],
    ['Team/x', '"Team/x" is no key of a label'],
    ['a,b,c,d,e,f', 'give at most 5 labels'],
    ['team,team', '"team" has the same name in Prometheus as another one: label_team'],
    ['a.b,a-b', '"a-b" has the same name in Prometheus as another one: label_a_b'],
  ])('labels "%s"', (value, said) => {
    expect(() => parse(labelsOption('--x <labels>', 'labels'), `--x=${value}`)).toThrow(said);
  });

  it.each(['proxy:3128', 'https://proxy:3128', 'http://user:password@proxy:3128'])('proxy "%s"', (value) => {
    expect(() => parse(proxyOption('--x <url>', 'a proxy'), `--x=${value}`)).toThrow('give http://HOST:PORT');
  });

  it.each(['0s', '5', '-5s', '', 'soon'])('duration "%s"', (value) => {
    expect(() => parse(duration(), `--x=${value}`)).toThrow('give a duration such as 500ms, 30s or 5m');
  });
});
