export const shells = ['bash', 'zsh', 'fish', 'kubectl'] as const;
export type Shell = (typeof shells)[number];

/** Each of them asks `gpuvm __complete`, which gives a candidate a line, and last a line that begins with a colon. */
export function completionScript(shell: Shell): string {
  return scripts[shell];
}

const scripts: Readonly<Record<Shell, string>> = {
  bash: `# bash completion of gpuvm
_gpuvm() {
  local IFS=$'\\n' word=\${COMP_WORDS[COMP_CWORD]}
  # bash takes words apart at colons; what is completed is the whole.
  COMPREPLY=($(gpuvm __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | grep -v '^:'))
  # Nothing of ours: file names, for scp and -f.
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
}
complete -F _gpuvm gpuvm
`,
  zsh: `#compdef gpuvm
# zsh completion of gpuvm
_gpuvm() {
  local -a found
  found=("\${(@f)$(gpuvm __complete "\${(@)words[2,CURRENT]}" 2>/dev/null | grep -v '^:')}")
  found=(\${found:#})
  if (( \${#found} )); then compadd -- $found; else _files; fi
}
compdef _gpuvm gpuvm
`,
  fish: `# fish completion of gpuvm
function __gpuvm_complete
  set -l words (commandline -opc) (commandline -ct)
  gpuvm __complete $words[2..-1] 2>/dev/null | string match -v ':*'
end
complete -c gpuvm -a '(__gpuvm_complete)'
`,
  kubectl: `#!/bin/sh
# kubectl calls this to complete "kubectl gpuvm": put it on the PATH as kubectl_complete-gpuvm
exec kubectl-gpuvm __complete "$@"
`,
};
