/** What there is to play with once the demo stands. */
export interface Playground {
  readonly kubeconfigPath: string;
  /** The simulator's control surface. */
  readonly controlUrl: string;
  /** The program that runs the demo: "/home/me/gpuvm-operator/bin/gpuvm". */
  readonly program: string;
  /** Where the operator serves its metrics. */
  readonly telemetryUrl: string;
  readonly logPath: string;
}

/** Lines to copy into another terminal. They go through the samples by name. */
export function hints({ kubeconfigPath, program, controlUrl, telemetryUrl, logPath }: Playground): string[] {
  const environment = `KUBECONFIG=${shellWord(kubeconfigPath)}`;
  const [gpuvm, kubectl] = [`${environment} ${shellWord(program)}`, `${environment} kubectl`];
  const power = (state: string): string => `--type=merge -p '{"spec":{"powerState":"${state}"}}'`;
  return [
    'To play with it, in another terminal:',
    '',
    `  ${gpuvm} status`,
    `  ${gpuvm} offers --gpu 4090 --gpu 3090`,
    `  ${gpuvm} account default`,
    '',
    `  ${kubectl} get gpuvms,spotvms`,
    `  ${kubectl} describe gpuvm trainer`,
    `  ${kubectl} explain gpuvm.spec.placement`,
    `  ${kubectl} patch gpuvm trainer ${power('Released')}`,
    `  ${kubectl} patch gpuvm sometimes ${power('Running')}`,
    `  ${kubectl} get secret trainer-connection -o 'jsonpath={.data.ssh_config}' | base64 -d`,
    `  ${kubectl} delete gpuvm trainer`,
    '',
    `  curl -s ${controlUrl}/market -d '{"gpuModel": "geforcertx3090-pcie-24gb", "price": "0.20"}'   # outbids "sweep", which is replaced by a higher bid`,
    `  ${kubectl} describe spotvm sweep`,
    '',
    `  curl -s ${controlUrl}/state        # what the provider has`,
    `  curl -s ${telemetryUrl}/metrics    # of the operator`,
    `  tail -f ${shellWord(logPath)}`,
    '',
    'The VMs are simulated: nobody can log in to one. Ctrl-C ends everything.',
  ];
}

/** The text as one word of a shell's command line. */
export function shellWord(text: string): string {
  return /^[\w./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
