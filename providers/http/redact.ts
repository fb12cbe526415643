/** What a server says may repeat what it was told: a foreign text is made one short, harmless line without our secrets. */

/** @param secrets what must not be shown, in whatever form it travels */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = [...new Set(secrets.filter((secret) => secret !== "").flatMap(formsOf))].sort(
    (a, b) => b.length - a.length,
  );
  return (text) => {
    const hidden = forms.reduce((shown, form) => shown.split(form).join("[secret]"), text);
    const line = hidden.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
    return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH)}…` : line;
  };
}

const MAX_LENGTH = 300;

const formsOf = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  JSON.stringify(secret).slice(1, -1),
  Buffer.from(secret).toString("base64"),
  Buffer.from(secret).toString("base64url"),
];
