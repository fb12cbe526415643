/** Defines the names, images and labels that the site's objects share. */

/** The namespace, and the name of what there is one of in it. */
export const SITE = "stem95su";

export const RCLONE_IMAGE = "rclone/rclone:1.74.3";

/** Its command, configuration and user are set here; nothing of its own but the program and the MIME types is used. */
export const NGINX_IMAGE = "nginxinc/nginx-unprivileged:1.28.0";

export const labels = { "app.kubernetes.io/managed-by": "workstation", "app.kubernetes.io/part-of": SITE } as const;

/** Labels by which the pods of one role are selected. */
export const podsOf = (role: "web" | "sync") => ({
  "app.kubernetes.io/name": SITE,
  "app.kubernetes.io/component": role,
});

/** The site itself, and what only the cluster sees: health and metrics. */
export const PORTS = { site: 8080, status: 8081 } as const;
