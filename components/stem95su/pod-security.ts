/**
 * Defines the security contexts of every pod of the site: those that Pod Security's profile `restricted` requires, and
 * a read-only root.
 */

/** Group that owns the content volume; the sync writes by it, nginx reads by everybody's rights. */
const CONTENT_GROUP = 10_095;

/** @param user uid; the image of rclone names root as its own */
export const podSecurity = (user: number) => ({
  runAsNonRoot: true,
  runAsUser: user,
  runAsGroup: CONTENT_GROUP,
  fsGroup: CONTENT_GROUP,
  // Without this every start of a pod walks through the whole volume.
  fsGroupChangePolicy: "OnRootMismatch",
  seccompProfile: { type: "RuntimeDefault" },
});

export const CONTAINER_SECURITY = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

/** The sync owns what it writes, so a volume whose driver knows no groups must be writable by this uid. */
export const SYNC_USER = 10_095;
export const WEB_USER = 10_096;
