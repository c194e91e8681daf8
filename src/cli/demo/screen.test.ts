import { describe, expect, it } from 'vitest';

import type { VmRow } from './rows.ts';
import { Screen, type Output } from './screen.ts';

const building: VmRow = {
  ...{ name: 'trainer', ready: 'False', status: 'Building', gpu: '', location: '', price: '', bid: '', address: '' },
  message: 'A sentence.',
  settled: false,
};
const running: VmRow = { ...building, ready: 'True', status: 'Running', settled: true };

function written(options: Partial<Output>, act: (screen: Screen) => void): string {
  let text = '';
  act(new Screen({ ...options, write: (part) => (text += part) }, () => '1.5s'));
  return text;
}

describe('Screen', () => {
  it('writes a line for every change where nothing can be drawn over', () => {
    const text = written({}, (screen) => {
      screen.show([building]);
      screen.show([building]);
      screen.show([running]);
    });
    expect(text).toBe('   1.5s  trainer: Building: A sentence.\n   1.5s  trainer: Running: A sentence.\n');
  });

  it('draws the table over itself on a terminal, and says what is waited for', () => {
    const text = written({ isTTY: true, columns: 80 }, (screen) => {
      screen.show([building]);
      screen.show([running]);
    });
    const [first, second] = text.split('\x1b[6A\r\x1b[J');
    expect(first?.split('\n').slice(2)).toEqual(['trainer   False   Building', '', 'trainer: A sentence.', '1.5s', '']);
    expect(second?.split('\n').slice(2)).toEqual(['trainer   True    Running', '']);
  });

  it('says other things above the table', () => {
    const text = written({ isTTY: true, columns: 80 }, (screen) => {
      screen.show([running]);
      screen.say('Stopping.');
      screen.say('Stopped.');
    });
    expect(text.endsWith('\x1b[3A\r\x1b[JStopping.\nStopped.\n')).toBe(true);
  });

  it('leaves a frozen table alone and goes on in lines', () => {
    const text = written({ isTTY: true, columns: 80 }, (screen) => {
      screen.show([building]);
      screen.freeze();
      screen.show([running]);
    });
    expect(text).not.toContain('\r');
    expect(text.endsWith('   1.5s  trainer: Running: A sentence.\n')).toBe(true);
  });
});
