/**
 * Defines the image of nginx for pods that may not be root: Debian's program, laid out as the public image that the
 * program names.
 */
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../run.ts";
import { unpackPackages } from "./debian-root.ts";
import type { ImageRecipe } from "./images.ts";

/** The name under which pods ask for it; the content is Debian's nginx, not this very release. */
export const NGINX_IMAGE = "docker.io/nginxinc/nginx-unprivileged:1.28.0";

const CONFIGURATION = `worker_processes 1;
error_log /dev/stderr notice;
pid /tmp/nginx.pid;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log /dev/stdout;
  client_body_temp_path /tmp/client_temp;
  proxy_temp_path /tmp/proxy_temp;
  fastcgi_temp_path /tmp/fastcgi_temp;
  uwsgi_temp_path /tmp/uwsgi_temp;
  scgi_temp_path /tmp/scgi_temp;
  sendfile on;
  include /etc/nginx/conf.d/*.conf;
}
`;

const SITE = `server {
  listen 8080;
  location / { root /usr/share/nginx/html; index index.html; }
}
`;

/** busybox gives the shell that probes, jobs and people at a pod expect. */
const PACKAGES = ["nginx", "nginx-common", "libc6", "libcrypt1", "libpcre2-8-0", "libssl3", "zlib1g", "busybox"];

export const nginxImage: ImageRecipe = {
  name: NGINX_IMAGE,
  key: [CONFIGURATION, SITE, ...PACKAGES, "every applet"].join("\n"),
  async fill(root) {
    await unpackPackages(root, PACKAGES);
    const write = (path: string, text: string) => writeFile(join(root, path), text);
    await mkdir(join(root, "etc/nginx/conf.d"), { recursive: true });
    await write("etc/nginx/nginx.conf", CONFIGURATION);
    await write("etc/nginx/conf.d/default.conf", SITE);
    await write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnginx:x:101:101:nginx:/nonexistent:/bin/false\n");
    await write("etc/group", "root:x:0:\nnginx:x:101:\n");
    await mkdir(join(root, "usr/share/nginx/html"), { recursive: true });
    await write("usr/share/nginx/html/index.html", "<h1>Welcome to nginx!</h1>\n");
    await mkdir(join(root, "usr/bin"), { recursive: true });
    const { stdout } = await run([join(root, "bin/busybox"), "--list"]);
    for (const name of stdout
      .trim()
      .split("\n")
      .filter((applet) => applet !== "busybox")) {
      await symlink("/bin/busybox", join(root, "usr/bin", name));
    }
    await symlink("busybox", join(root, "bin/sh"));
    await mkdir(join(root, "tmp"), { recursive: true });
    await chmod(join(root, "tmp"), 0o1777);
  },
  config: {
    Entrypoint: ["/usr/sbin/nginx"],
    Cmd: ["-g", "daemon off;"],
    User: "101",
    ExposedPorts: { "8080/tcp": {} },
    StopSignal: "SIGQUIT",
    Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
  },
};
