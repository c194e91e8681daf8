import type { Charge } from '../../plan/budget/charge.ts';
import type { LimitAhead } from '../../plan/budget/limits.ts';
import type { SpendView } from '../../plan/budget/spending.ts';
import type { CustomObject } from '../objects.ts';
import { banOf } from './ban.ts';
import { mayRetain, type Books, type BooksDeps } from './books.ts';

/** Made for each decision, though most of them never look into it: nothing is reckoned before somebody does. */
export class LazyView implements SpendView {
  readonly #deps: BooksDeps;
  readonly #object: CustomObject;
  readonly #reckon: { books(): Books; limits(books: Books): readonly LimitAhead[] };
  #books: Books | undefined;
  #limits: readonly LimitAhead[] | undefined;

  constructor(
    deps: BooksDeps,
    object: CustomObject,
    reckon: { books(): Books; limits(books: Books): readonly LimitAhead[] },
  ) {
    this.#deps = deps;
    this.#object = object;
    this.#reckon = reckon;
  }

  get #made(): Books {
    return (this.#books ??= this.#reckon.books());
  }

  get limits(): readonly LimitAhead[] {
    return (this.#limits ??= this.#reckon.limits(this.#made));
  }

  get ban(): SpendView['ban'] {
    return banOf(this.#deps, this.#object);
  }

  get mayRetain(): boolean {
    return mayRetain(this.#deps, this.#object.metadata.namespace ?? '');
  }

  get own(): Charge {
    return this.#made.chargeOf(this.#object);
  }

  get ownKept(): Charge {
    return this.#made.commitmentOf(this.#object).kept;
  }

  get ownStarted(): Charge {
    return this.#made.commitmentOf(this.#object).started;
  }
}
