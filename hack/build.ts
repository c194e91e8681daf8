// Bundles the command into dist/gpuvm.mjs, and beside it the words of the licences of all that is in it.
import { writeFileSync } from 'node:fs';

import { bundle } from './bundle.ts';
import { noticesOf, packagesIn } from './notices.ts';

const { metafile } = await bundle({ logLevel: 'info' });
writeFileSync(new URL('../dist/THIRD-PARTY-NOTICES.txt', import.meta.url), noticesOf(packagesIn(metafile)));
