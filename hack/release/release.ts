/** What is about to be published, as the workflow and the files of the repository have it. */
export interface Release {
  /** Of git: v0.1.0. */
  readonly tag: string;
  /** Where the image will be, without a tag. */
  readonly image: string;
  /** Of package.json, which the chart has as its own. */
  readonly version: string;
  /** values.yaml of the chart: what it pulls where nobody says otherwise. */
  readonly values: string;
  readonly changelog: string;
}

/** Why this may not be published, in sentences; empty: it may. */
export function objectionsTo({ tag, image, version, values, changelog }: Release): string[] {
  const pulled = /^ {2}repository: (\S+)$/m.exec(values)?.[1];
  return [
    ...(tag === `v${version}` ? [] : [`The tag is ${tag}, and package.json says ${version}.`]),
    // A fork would publish a chart and manifests that pull somebody else's image.
    ...(pulled === image ? [] : [`The image goes to ${image}, and the chart pulls ${pulled ?? 'none'}.`]),
    ...(notesOf(changelog, version) === '' ? [`CHANGELOG.md says nothing under "## ${version}".`] : []),
  ];
}

/** What the changelog says of a version, without its heading; empty where it has none. */
export function notesOf(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((one) => one.split(/\s/, 1)[0] === version);
  return section === undefined ? '' : section.slice(section.indexOf('\n') + 1).trim();
}
