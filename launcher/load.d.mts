/** @returns the exports of `entry`, a path below the checkout, compiled into node_modules/.cache/NAME */
export function load(name: string, entry: string): Promise<unknown>;
