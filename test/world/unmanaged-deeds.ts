import fc from 'fast-check';

/** What leaves VMs without a resource, and what is said about such VMs. */
export type UnmanagedDeed =
  /** The finalizer is taken off by hand, and the resource deleted. */
  | { readonly do: 'force'; readonly vm: string }
  /** The same, and it is made anew from a backup: another one to the API server. */
  | { readonly do: 'restore'; readonly vm: string }
  | { readonly do: 'abandon'; readonly vm: string }
  /** A VM with a mark comes from nowhere: of this installation, or of another one. */
  | { readonly do: 'stray'; readonly isOurs: boolean }
  /** Somebody wants one of them for a resource, and no watch tells of it for a while. */
  | { readonly do: 'claim'; readonly nth: number; readonly heldMs: number }
  /** A VM loses its resource, and at the last moment, or nearly so, something speaks against its deletion that no watch tells of. */
  | { readonly do: 'objectLate'; readonly vm: string; readonly afterMs: number; readonly by: Objector }
  | { readonly do: 'sweep'; readonly policy: 'Report' | 'Delete'; readonly grace: string }
  | { readonly do: 'keepVm'; readonly nth: number };

/** A resource that wants the VM; the account, which names it or only reports; or a provider that fails to delete it. */
export type Objector = 'heir' | 'keepVms' | 'report' | 'failure';

export const graces = ['20s', '10m'] as const;
/** Within the graces, and the times until VMs without a resource are seen and their time is over. */
const lateMs = [8_000, 25_000, 585_000, 605_000] as const;

type Weighted<T> = fc.WeightedArbitrary<T>;

export function unmanagedDeeds(
  vm: fc.Arbitrary<string>,
  often: <T>(weight: number, arbitrary: fc.Arbitrary<T>) => Weighted<T>,
): Weighted<UnmanagedDeed>[] {
  const doing = <const N extends string>(name: N): fc.Arbitrary<N> => fc.constant(name);
  const nth = fc.nat({ max: 3 });
  return [
    often(2, fc.record({ do: doing('force'), vm })),
    often(1, fc.record({ do: doing('restore'), vm })),
    often(1, fc.record({ do: doing('abandon'), vm })),
    often(2, fc.record({ do: doing('stray'), isOurs: fc.constantFrom(true, true, false) })),
    often(2, fc.record({ do: doing('claim'), nth, heldMs: fc.constantFrom(0, 60_000, 900_000) })),
    often(
      4,
      fc.record({
        do: doing('objectLate'),
        vm,
        afterMs: fc.constantFrom(...lateMs),
        by: fc.constantFrom<Objector[]>('heir', 'keepVms', 'report', 'failure'),
      }),
    ),
    often(
      1,
      fc.record({
        do: doing('sweep'),
        policy: fc.constantFrom('Delete', 'Delete', 'Report'),
        grace: fc.constantFrom(...graces),
      }),
    ),
    often(1, fc.record({ do: doing('keepVm'), nth })),
  ];
}
