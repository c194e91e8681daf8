/** How a kind in the cluster differs from that of this release. Fields by their paths: "spec.gpu.models". */
export interface SchemaDiff {
  /** This release has them, and the cluster would drop them. */
  readonly missing: readonly string[];
  /** The cluster has them, and this release does not know them. */
  readonly extra: readonly string[];
  /** Where what the API server checks is something else. */
  readonly changed: readonly string[];
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly 'x-kubernetes-validations'?: unknown;
}

/** Of OpenAPI schemas, by the fields that they have and the rules that they are checked by. Pure. */
export function diffOfSchemas(ours: unknown, theirs: unknown): SchemaDiff {
  const [here, there] = [fieldsOf(ours as Schema, ''), fieldsOf(theirs as Schema, '')];
  const missing = [...here.keys()].filter((path) => !there.has(path));
  return {
    missing: outermost(missing),
    extra: outermost([...there.keys()].filter((path) => !here.has(path))),
    changed: [...here].filter(([path, rules]) => there.has(path) && there.get(path) !== rules).map(([path]) => path),
  };
}

/** Path of each field, with its rules as text. */
function fieldsOf(schema: Schema, path: string): Map<string, string> {
  const fields = new Map([[path, JSON.stringify(rulesOf(schema))]]);
  const inside = [
    ...Object.entries(schema.properties ?? {}).map(
      ([name, field]) => [path === '' ? name : `${path}.${name}`, field] as const,
    ),
    ...(schema.items === undefined ? [] : [[`${path}[]`, schema.items] as const]),
    ...(typeof schema.additionalProperties === 'object' ? [[`${path}.*`, schema.additionalProperties] as const] : []),
  ];
  for (const [at, field] of inside) for (const [name, rules] of fieldsOf(field, at)) fields.set(name, rules);
  return fields;
}

/** The rule and its message: the API server adds nothing else that tells releases apart. */
function rulesOf(schema: Schema): unknown {
  const rules = schema['x-kubernetes-validations'];
  if (!Array.isArray(rules)) return [];
  return rules.map((rule: Readonly<Record<string, unknown>>) => [rule['rule'], rule['message']]);
}

/** Without what is below another path of the list. */
function outermost(paths: readonly string[]): readonly string[] {
  return paths.filter(
    (path) => !paths.some((other) => other !== path && (path.startsWith(`${other}.`) || path.startsWith(`${other}[`))),
  );
}
