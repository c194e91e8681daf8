/** Secrets that must be found nowhere but where they belong. */

export const plantedInputs = {
  password: 'Planted7ChaosPassword',
  cloudInit: 'runcmd:\n  - curl -H "Authorization: planted-chaos-token-17" http://127.0.0.1/\n',
};

/** Name of the Secret that holds them, in each namespace. */
export const inputs = 'planted';

export const planted = [plantedInputs.password, 'planted-chaos-token-17'];
