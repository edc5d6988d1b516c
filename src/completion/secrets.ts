import { matchesAny } from "./glob";

/** Files that hold secrets by convention. Never completed, never read as context. */
export const SECRET_FILES: readonly string[] = [
  ".env",
  ".env.*",
  "*.env",
  ".envrc",
  "*.{pem,key,p8,p12,pfx,jks,keystore,kdbx,asc,gpg,ppk,ovpn}",
  "id_{rsa,dsa,ecdsa,ed25519}*",
  "**/.ssh/**",
  "**/.gnupg/**",
  "**/.aws/**",
  "**/.kube/**",
  "**/.docker/config.json",
  "{.npmrc,.yarnrc,.yarnrc.yml,.pypirc,.netrc,_netrc,.pgpass,.htpasswd,.git-credentials,.dockercfg}",
  "{credentials,credentials.*,secret,secret.*,secrets,secrets.*,kubeconfig}",
  "*{credentials,secrets}.{json,yml,yaml,toml,ini,xml,properties}",
  "service-account*.json",
  "*.{tfvars,tfstate}",
  "*.tfvars.json",
];

/** Templates of the above that hold no values. */
const HARMLESS: readonly string[] = [".env.{example,sample,template,dist}", "*.pub"];

/** Whether `path` looks like a file with secrets; `extra` are the user's own patterns, which always win. */
export function looksSecret(path: string, extra: readonly string[] = []): boolean {
  return matchesAny(path, extra) || (matchesAny(path, SECRET_FILES) && !matchesAny(path, HARMLESS));
}
