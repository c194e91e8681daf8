import { sortedJson, type Json, type JsonObject } from './json.ts';

/** What goes back to the caller. The body is the text on the wire, final newline included. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The same as bytes, where there are many of them and they are known already. */
  readonly bytes?: Buffer;
}

const jsonHeaders = { 'content-type': 'application/json' } as const;

/** 200 with sorted keys and `success: true` among them. */
export function success(members: JsonObject = {}): Answer {
  return jsonAnswer(200, sortedJson({ ...members, success: true }));
}

/** 200 with the keys in the order given: three recorded answers have it so (API reference, section 1). */
export function asWritten(body: Json): Answer {
  return jsonAnswer(200, JSON.stringify(body));
}

export function jsonAnswer(status: number, json: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { ...jsonHeaders, ...headers }, body: `${json}\n` };
}

/** A body that is UTF-8 already; the text is made of it when somebody asks. */
export function bytesAnswer(status: number, bytes: Buffer): Answer {
  return {
    status,
    headers: jsonHeaders,
    bytes,
    get body(): string {
      return bytes.toString('utf8');
    },
  };
}

export function failure(status: number, error: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return jsonAnswer(status, sortedJson({ success: false, error }), headers);
}

/** Why a call is refused, and the status that goes with it (A2, A12). */
export const refusalStatuses = {
  invalid: 400,
  unknown: 404,
  wrongState: 500,
  noCapacity: 500,
  priceTooLow: 500,
} as const;
export type RefusalReason = keyof typeof refusalStatuses;

/** Thrown by an endpoint before it changes anything. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** A port, number or text the caller got wrong. */
export function invalid(message: string): Refusal {
  return new Refusal('invalid', message);
}

export interface RefusalStyle {
  /** Every refusal comes with status 200 (A2). */
  readonly always200: boolean;
  /** Spot validation says no more than `{"success": false}` (A3). */
  readonly bare: boolean;
}

/**
 * A price that is too low comes as 200 whatever the style, as recorded; the proxy's header tells the status that the
 * application gave.
 */
export function refuse(refusal: Refusal, style: RefusalStyle): Answer {
  const original = refusalStatuses[refusal.reason];
  const hidden = style.always200 || refusal.reason === 'priceTooLow';
  const headers: Record<string, string> = hidden ? { 'x-do-orig-status': String(original) } : {};
  const status = hidden ? 200 : original;
  return style.bare ? jsonAnswer(status, '{"success":false}', headers) : failure(status, refusal.message, headers);
}
