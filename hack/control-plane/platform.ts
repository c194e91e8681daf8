/** A platform as Go names it, which is also how the official archives are named. */
export interface Platform {
  readonly os: string;
  readonly arch: string;
}

const goArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
const supported = ['linux/amd64', 'linux/arm64', 'linux/ppc64le', 'linux/s390x', 'darwin/amd64', 'darwin/arm64'];

/** The platform of this process, or of the given `process.platform` and `process.arch`. Throws where etcd cannot run. */
export function resolvePlatform(os: string = process.platform, arch: string = process.arch): Platform {
  const platform = { os, arch: goArchitectures[arch] ?? arch };
  if (!supported.includes(describePlatform(platform))) {
    throw new Error(
      `kube-apiserver and etcd cannot be set up on ${describePlatform(platform)}. Supported: ${supported.join(', ')}. ` +
        'On Windows use WSL 2.',
    );
  }
  return platform;
}

export function describePlatform({ os, arch }: Platform): string {
  return `${os}/${arch}`;
}
