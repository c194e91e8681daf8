/**
 * Hostnodes of the provider's published examples, so that the requests saved there work against the simulator as they
 * are. Prices, stock and ports are those shown; where an example shows only a VM, the unit prices are chosen so that
 * the VM costs what it costs there. What no example shows is invented.
 */
export interface HostBlueprint {
  readonly id: string;
  readonly location: { readonly id: string; readonly city: string; readonly region: string; readonly country: string };
  readonly cpu: { readonly type: string; readonly amount: number; readonly price: number };
  readonly ram: { readonly amount: number; readonly price: number };
  readonly storage: { readonly amount: number; readonly price: number };
  readonly gpus: Readonly<Record<string, { readonly amount: number; readonly price: number }>>;
  readonly ports: readonly number[];
  readonly uptime: number;
  readonly report: string;
}

const winnipeg = {
  id: '50cf200c-be1b-4983-a316-369d2eea10ec',
  city: 'Winnipeg',
  region: 'Manitoba',
  country: 'Canada',
};
const houston = {
  id: 'd52421f8-b264-440f-b9fb-78e05f2af72f',
  city: 'Houston',
  region: 'Texas',
  country: 'United States',
};
const boston = {
  id: '6cd6ac07-3f9d-4bb5-9a9c-0d4c3f7f5b11',
  city: 'Boston',
  region: 'Massachusetts',
  country: 'United States',
};
const krakow = { id: 'b8a4dbc1-6961-4a5f-b4a3-e982681c21c7', city: 'Kraków', region: 'Małopolska', country: 'Poland' };
const austin = {
  id: '16c575f6-1d9c-4e7c-856b-613f3281317f',
  city: 'Austin',
  region: 'Texas',
  country: 'United States',
};
const dallas = {
  id: 'a3111bd4-550a-47d0-838a-0a52bff2ae3f',
  city: 'Dallas',
  region: 'Texas',
  country: 'United States',
};

/** `count` ports from `highest` downwards, the order of the examples. */
function downFrom(highest: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => highest - index);
}

/** The host of the example's ready-made VMs. */
export const instantHostId = '303d61a5-53a0-46b4-bee0-3bb1cbf29039';

export const exampleHosts: readonly HostBlueprint[] = [
  {
    id: '02c65d45-6da5-4232-a8db-ee0e5bc76110',
    location: winnipeg,
    cpu: { type: 'AMD Ryzen 9 5950X', amount: 26, price: 0.003 },
    ram: { amount: 100, price: 0.002 },
    storage: { amount: 580, price: 0.00005 },
    gpus: { 'geforcertx3080-pcie-10gb': { amount: 1, price: 0.15 } },
    ports: [...downFrom(20_013, 13), 8935, 8080, 8000, 3389, 3000, 443, 80],
    uptime: 0.9999,
    report: 'https://monitor.m.tensordock.com/report/uptime/12c94b1b3c8471877d59005b08eb693e/',
  },
  {
    id: 'e817be06-f7b7-4a14-8bb8-fe04569b25f8',
    location: winnipeg,
    cpu: { type: 'AMD Ryzen 7 5800X', amount: 12, price: 0.003 },
    ram: { amount: 41, price: 0.002 },
    storage: { amount: 500, price: 0.00005 },
    gpus: { 'geforcertx4090-pcie-24gb': { amount: 1, price: 0.4 } },
    ports: [30_019, 30_018, 30_017, ...downFrom(30_013, 13)],
    uptime: 0.9998,
    report: 'https://monitor.m.tensordock.com/report/uptime/99894b4dd500bf0af5a906eb8f85e1c3/',
  },
  {
    id: '1361d287-892b-420d-9cf5-3d9bd978ac67',
    location: boston,
    cpu: { type: 'AMD EPYC 7402P', amount: 44, price: 0.003 },
    ram: { amount: 240, price: 0.002 },
    storage: { amount: 3200, price: 0.00005 },
    gpus: {
      'rtxa4000-pcie-16gb': { amount: 4, price: 0.15 },
      'rtxa6000-pcie-48gb': { amount: 2, price: 0.45 },
    },
    ports: downFrom(30_120, 40),
    uptime: 0.9995,
    report: 'https://monitor.m.tensordock.com/report/uptime/d46eff0ca038a49d63e17e1c61161a3e/',
  },
  {
    id: '8db2ec46-c094-4262-bc7e-6c76617f4237',
    location: houston,
    cpu: { type: 'Intel Xeon E5-2698 v4', amount: 64, price: 0.003 },
    ram: { amount: 380, price: 0.002 },
    storage: { amount: 6000, price: 0.00005 },
    gpus: { 'v100-pcie-16gb': { amount: 8, price: 0.21 }, 'v100-sxm2-16gb': { amount: 2, price: 0.22 } },
    ports: downFrom(60_120, 60),
    uptime: 0.998,
    report: 'https://monitor.m.tensordock.com/report/uptime/ef5b61b1a5d9913c855bcb38d2a36d38/',
  },
  {
    id: 'c9c1c82e-2162-4d4c-ac10-6bb777788d2e',
    location: krakow,
    cpu: { type: 'AMD EPYC 7282', amount: 28, price: 0.003 },
    ram: { amount: 120, price: 0.002 },
    storage: { amount: 1800, price: 0.00025 },
    gpus: { 'geforcertx4090-pcie-24gb': { amount: 6, price: 0.32 } },
    ports: downFrom(50_620, 40),
    uptime: 0.9991,
    report: 'https://monitor.m.tensordock.com/report/uptime/1c2f2f33c2f84a6c8a5b8e6f0f9a4d20/',
  },
  {
    id: 'c4e969a4-e3d1-4716-b966-116a16661685',
    location: austin,
    cpu: { type: 'AMD Ryzen Threadripper 2970WX', amount: 40, price: 0.003 },
    ram: { amount: 110, price: 0.002 },
    storage: { amount: 1500, price: 0.00008 },
    gpus: { 'geforcertx3090-pcie-24gb': { amount: 4, price: 0.246 } },
    ports: downFrom(47_930, 32),
    uptime: 0.9987,
    report: 'https://monitor.m.tensordock.com/report/uptime/5f0c6e3c9d1b47e2b2a6f3d5b8c91e77/',
  },
  {
    id: instantHostId,
    location: dallas,
    cpu: { type: 'Intel Xeon Platinum 8470', amount: 208, price: 0.006 },
    ram: { amount: 906, price: 0.004 },
    storage: { amount: 14_000, price: 0.0001 },
    gpus: { 'h100-sxm5-80gb': { amount: 8, price: 2.92 } },
    ports: downFrom(40_064, 64),
    uptime: 0.9999,
    report: 'https://monitor.m.tensordock.com/report/uptime/9a7d3b1e5c2f4e8890d1a2b3c4d5e6f7/',
  },
];
