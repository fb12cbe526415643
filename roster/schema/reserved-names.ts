/** Lists the reserved names: those of the base system, of the servers around it, and of this program. */

import { folded } from "../text/code-unit-order.ts";

/**
 * Accounts and groups of Debian's base system, of the packages on a host, and of the program. A person with a group's
 * name would get that group as their own: `docker` and `sudo` are root by another name.
 */
export const SYSTEM_ACCOUNTS: readonly string[] = [
  ..."root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody nogroup".split(
    " ",
  ),
  ..."_apt _rpc _ssh _chrony adm admin tty disk kmem dialout fax voice cdrom floppy tape sudo wheel audio video dip".split(
    " ",
  ),
  ..."operator src shadow utmp sasl plugdev staff users input kvm render sgx crontab netdev ssh sshd messagebus".split(
    " ",
  ),
  ..."polkitd tss uuidd dnsmasq statd ntp chrony avahi rtkit pulse lpadmin scanner saned bluetooth docker containerd".split(
    " ",
  ),
  ..."dockremap podman lxd libvirt libvirt-qemu postgres mysql redis mongodb git gitea forgejo vault nginx caddy".split(
    " ",
  ),
  ..."haproxy prometheus node-exporter node_exporter grafana postfix dovecot opendkim ssl-cert code-shared".split(" "),
  ...["workstation", "workstations", "tmux-persist", "t3-serve", "t3", "ttyd", "lobby", "gate"],
  ...["authentik", "kubernetes", "kubelet", "etcd", "rclone"],
];

/** Whole families of such names. */
export const SYSTEM_ACCOUNT_PREFIXES = ["systemd-", "workstation-", "t3-", "ws-"] as const;

/** Whether the base system or this program owns an account or a group of this name. */
export const isSystemAccount = (name: string): boolean =>
  SYSTEM_ACCOUNTS.includes(name) || SYSTEM_ACCOUNT_PREFIXES.some((prefix) => name.startsWith(prefix));

/** Words with a meaning of their own in nginx's maps, which the identity becomes a key of. */
export const RESERVED_LOGINS: readonly string[] = ["default", "hostnames", "include", "volatile"];

/** Without regard to case, as nginx compares. */
export const isReservedLogin = (name: string): boolean => RESERVED_LOGINS.includes(folded(name));

/** Vault paths that are not a person's. A stack adds its own (`reservedK8sUsers`). */
export const RESERVED_K8S_USERS: readonly string[] = ["platform", "workstation", "stem95su", "vault", "default"];

export const isReservedK8sUser = (name: string, more: readonly string[]): boolean =>
  name.startsWith("kube-") || RESERVED_K8S_USERS.includes(name) || more.includes(name);

/** Namespaces of the cluster and of the program. A stack adds its own (`systemNamespaces`). */
export const SYSTEM_NAMESPACES: readonly string[] = [
  ..."default stem95su vault workstation workstations platform headlamp kubernetes-dashboard token-injector".split(" "),
  ..."external-secrets ingress-nginx traefik cert-manager authentik monitoring".split(" "),
];

export const isSystemNamespace = (name: string, more: readonly string[]): boolean =>
  name.startsWith("kube-") || SYSTEM_NAMESPACES.includes(name) || more.includes(name);
