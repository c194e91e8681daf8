import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { VmRow } from './rows.ts';
import { changeLines, renderTable } from './table.ts';

const running: VmRow = {
  name: 'trainer',
  ready: 'True',
  status: 'Running',
  gpu: '1x geforcertx4090-pcie-24gb',
  location: 'Kraków, Poland',
  price: '0.389',
  bid: '',
  address: '127.64.0.5',
  message: 'VM 1 runs at 127.64.0.5.',
  settled: true,
};
const spot: VmRow = { ...running, name: 'sweep', price: '0.205', bid: '0.20' };
const building: VmRow = { ...running, ready: 'False', status: 'Building', message: 'It is built.', settled: false };

describe('renderTable', () => {
  it('puts each column under its title', () => {
    expect(
      renderTable([running, { ...building, name: 'a', gpu: '', location: '', price: '', address: '' }, spot], 120),
    ).toEqual([
      'NAME      READY   STATUS     GPU                           LOCATION         $/H     BID    ADDRESS',
      'trainer   True    Running    1x geforcertx4090-pcie-24gb   Kraków, Poland   0.389          127.64.0.5',
      'a         False   Building',
      'sweep     True    Running    1x geforcertx4090-pcie-24gb   Kraków, Poland   0.205   0.20   127.64.0.5',
    ]);
  });

  it('shows the titles alone while there is no VM', () => {
    expect(renderTable([], 120)).toHaveLength(1);
  });

  it('never makes a line that the terminal would wrap', () => {
    const row = fc.record({ name: fc.string(), gpu: fc.string({ maxLength: 60 }), address: fc.string() });
    fc.assert(
      fc.property(fc.array(row), fc.integer({ min: 1, max: 200 }), (rows, width) => {
        const table = renderTable(
          rows.map((fields) => ({ ...running, ...fields })),
          width,
        );
        expect(table.every((line) => line.length <= width)).toBe(true);
      }),
    );
  });
});

describe('changeLines', () => {
  it('says nothing while nothing changes', () => {
    expect(changeLines([running], [{ ...running, message: 'Something else to say.' }])).toEqual([]);
  });

  it('says what a VM waits for, and where it is once it runs', () => {
    expect(changeLines([], [building])).toEqual(['trainer: Building: It is built.']);
    expect(changeLines([building], [running])).toEqual([
      'trainer: Running: 1x geforcertx4090-pcie-24gb, Kraków, Poland, $0.389/h, 127.64.0.5',
    ]);
  });

  it('says that a VM has gone', () => {
    expect(changeLines([running, { ...running, name: 'other' }], [running])).toEqual(['other: gone']);
  });
});
