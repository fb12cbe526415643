/** Headers by which a request tells the page that made it, and whether that page is the server's own. */

export const OWN_ORIGIN = "https://code.site.test";

export interface OriginCase {
  readonly name: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly own: boolean;
}

const from = (origin: string) => ["Origin", origin] as const;
const site = (value: string) => ["Sec-Fetch-Site", value] as const;
const refused = (name: string, ...headers: OriginCase["headers"]): OriginCase => ({ name, headers, own: false });
const admitted = (name: string, ...headers: OriginCase["headers"]): OriginCase => ({ name, headers, own: true });

export const ORIGIN_CASES: readonly OriginCase[] = [
  admitted("the own origin", from(OWN_ORIGIN)),
  admitted("the own origin, and the browser says so", from(OWN_ORIGIN), site("same-origin")),
  admitted("no origin, and the browser says that it is the same", site("same-origin")),
  admitted(
    "a page that hides its address, and the browser says that it is the same",
    from("null"),
    site("same-origin"),
  ),
  refused("nothing at all"),
  refused("a sibling host", from("https://tenant.site.test")),
  refused("a sibling host, which the browser calls same-site", from("https://tenant.site.test"), site("same-site")),
  refused("a sibling host that claims to be the same", from("https://tenant.site.test"), site("same-origin")),
  refused("the own origin from elsewhere", from(OWN_ORIGIN), site("cross-site")),
  refused("the own origin from a sibling host", from(OWN_ORIGIN), site("same-site")),
  refused("an address that somebody has typed", site("none")),
  refused("a host below the own one", from("https://evil.code.site.test")),
  refused("a host that begins alike", from("https://code.site.test.evil.test")),
  refused("another port", from(`${OWN_ORIGIN}:8443`)),
  refused("a scheme without protection", from("ftp://code.site.test")),
  refused("an opaque origin", from("null")),
  refused("an empty origin", from("")),
  refused("the own origin with a path", from(`${OWN_ORIGIN}/`)),
  refused("two origins", from(OWN_ORIGIN), from("https://tenant.site.test")),
  refused("two origins in one line", from(`${OWN_ORIGIN}, https://tenant.site.test`)),
  refused("two words of the browser", from(OWN_ORIGIN), site("same-origin"), site("cross-site")),
  refused("a referrer alone", ["Referer", `${OWN_ORIGIN}/page`]),
];
