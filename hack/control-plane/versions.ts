/** What the end-to-end tests and the demo run against. hack/kubernetes, hack/kubectl and hack/etcd pin the same in go.mod. */
export const kubernetesVersion = 'v1.37.2';
export const etcdVersion = 'v3.6.7';
/** What the chart is rendered and installed with. hack/helm/go.mod pins the same. */
export const helmVersion = 'v4.3.1';
/** What alerts and dashboard are tried with. Where it cannot be downloaded, any version that Debian has will do. */
export const prometheusVersion = 'v3.5.0';

/** The oldest Go that can build them. */
export const goVersion = '1.26';
