import { describe } from 'vitest';

import { leaseAndEventTests, namespaceTests, secretTests } from './contract/built-in-kinds.ts';
import { endpointSliceTests, serviceTests } from './contract/services.ts';
import { deletionTests } from './contract/deletion.ts';
import { lookUpTests, metadataTests, objectTests } from './contract/objects.ts';
import { schemaTests } from './contract/schemas.ts';
import { selectionTests, watchEndTests, watchTests } from './contract/watches.ts';
import type { ApiUnderTest } from './contract/widgets.ts';
import { lockTests, metadataWriteTests, writeTests } from './contract/writes.ts';

export { newWidget, widgetDefinition, widgetType, type ApiUnderTest, type Widget } from './contract/widgets.ts';

const parts: Readonly<Record<string, readonly ((underTest: () => ApiUnderTest) => void)[]>> = {
  objects: [objectTests, metadataTests, lookUpTests],
  writes: [writeTests, lockTests, metadataWriteTests],
  schemas: [schemaTests],
  deletion: [deletionTests],
  watches: [watchTests, selectionTests, watchEndTests],
  'built-in kinds': [secretTests, leaseAndEventTests, namespaceTests],
  services: [serviceTests, endpointSliceTests],
};

/** What both the API server in memory and a real one must do alike. Run for each by its own test file. */
export function describeKubeApi(name: string, underTest: () => ApiUnderTest): void {
  for (const [part, tests] of Object.entries(parts)) {
    describe(`${name}: ${part}`, () => {
      for (const define of tests) define(underTest);
    });
  }
}
