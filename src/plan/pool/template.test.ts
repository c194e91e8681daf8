import { describe, expect, it } from 'vitest';

import { poolSpec } from './testing/builders.ts';
import { memberLabels, memberSpec, metadataMark, templateHash } from './template.ts';

describe('the hash of a template', () => {
  it('is for ever what it was: another one would replace the VMs of all pools with the next release', () => {
    expect(templateHash(poolSpec())).toBe('bd77362a43');
  });

  it.each<[string, object, object]>([
    ['GPU', {}, { gpu: { models: ['v100-pcie-16gb'], count: 2 } }],
    ['size', {}, { memoryGB: 32 }],
    ['disk', {}, { storageGB: 200 }],
    ['operating system', {}, { operatingSystem: 'Windows 10' }],
    ['placement', {}, { placement: { minUptimePercent: 99 } }],
    ['ports', {}, { ports: [{ name: 'http', internal: 80 }] }],
    ['account', {}, { accountName: 'other' }],
    ['cloud-config', {}, { cloudInit: { inline: 'runcmd: [reboot]' } }],
    ['access', {}, { access: { sshKeySecretRef: { name: 'key', key: 'pub' } } }],
  ])('is another one with another %s', (_, fields, template) => {
    expect(templateHash(poolSpec(fields, template))).not.toBe(templateHash(poolSpec()));
  });

  it.each<[string, object, object]>([
    ['number of members', { replicas: 7 }, {}],
    ['power state', {}, { powerState: 'Stopped' }],
    ['price cap', {}, { maxHourlyPrice: '1.00' }],
    ['probe', {}, { readinessProbe: { tcpSocket: { port: 'ssh' } } }],
    ['priority', {}, { priority: 3 }],
    ['bid', { capacity: { type: 'Spot', bid: { price: '0.10' } } }, {}],
  ])('is the same with another %s', (_, fields, template) => {
    expect(templateHash(poolSpec(fields, template))).toBe(templateHash(poolSpec()));
  });

  it('does not depend on the order of fields', () => {
    const one = poolSpec({}, { gpu: { models: ['v100-pcie-16gb'], count: 1 } });
    const other = poolSpec({}, { gpu: { count: 1, models: ['v100-pcie-16gb'] } });
    expect(templateHash(one)).toBe(templateHash(other));
  });
});

describe('what a member is given', () => {
  const spec = poolSpec({
    capacity: { type: 'Spot', bid: { price: '0.10', maxPrice: '0.20' }, returnToSpotAfter: '5m' },
  });

  it('is for an on-demand one nothing of bids', () => {
    expect(memberSpec(spec, 'GpuVm', 'Replace')).not.toHaveProperty('bid');
    expect(memberSpec(spec, 'GpuVm', 'Replace')).not.toHaveProperty('onOutbid');
  });

  it('is for a spot one the bid, and that it is replaced when it is outbid', () => {
    expect(memberSpec(spec, 'SpotVm', 'Replace')).toMatchObject({
      bid: { price: '0.10' },
      onOutbid: 'Replace',
      outbidRetention: '0s',
    });
    expect(memberSpec(spec, 'SpotVm', 'OnDemand')).toMatchObject({
      onOutbid: 'OnDemand',
      returnToSpot: { after: '5m' },
    });
  });

  it('has none of the names that only the operator gives, whatever the template says', () => {
    const { template } = spec;
    const forged = {
      ...template,
      metadata: { labels: { 'gpuvm.dev/pool': 'other', app: 'a' }, annotations: { 'gpuvm.dev/adopt': 'vm-1' } },
    };
    expect(memberLabels('pool', { ...spec, template: forged })).toEqual({ 'gpuvm.dev/pool': 'pool', app: 'a' });
    expect(JSON.parse(metadataMark({ template: forged }))).toMatchObject({ labels: ['app'], annotations: [] });
  });
});
