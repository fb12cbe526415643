/** Which test runs which command of the pages. The first row that fits a command counts; runbooks are carried out whole. */

export interface Proof {
  readonly command: RegExp;
  /** The file that runs it. */
  readonly by: string;
  /** What must stand in that file, since it runs it by this. */
  readonly runs: RegExp;
}

const row = (command: RegExp, by: string, runs: RegExp): Proof => ({ command, by, runs });
const e2e = (name: string) => `test/e2e/${name}.test.ts`;
const cli = (name: string) => `test/cli/${name}.test.ts`;

/** Blocks that a test reads from the page and runs as they stand there. */
export const RUN_AS_THEY_STAND: Readonly<Record<string, readonly [by: string, runs: RegExp]>> = {
  "README.md eval": [e2e("lab-guest"), /stepsOf\(await readFile\(join\(ROOT, "README\.md"\)/],
  "README.md $": [cli("pages"), /commandsOf\("README\.md"\)/],
  "docs/leaving.md ./ws": [cli("pages"), /stepsOf\(text\("docs\/leaving\.md"\)\)/],
  "docs/upgrade.md git": ["test/config/upgrade-page.test.ts", /stepsOf\(own\)/],
  "docs/security.md vault": [e2e("secrets-provider"), /stepsOf\(await readFile\(.*docs\/security\.md/],
};

export const PROOFS: readonly Proof[] = [
  // The lab.
  row(/^make up$/, e2e("lab-guest"), /await make\("up"\)/),
  row(/^make down$/, e2e("lab-guest"), /await make\("down"\)/),
  row(/^make status$/, e2e("lab-guest"), /await make\("status"\)/),
  row(/^make ssh( ARGS="workstation status")?$/, e2e("lab-guest"), /make\("ssh", "ARGS=workstation status"\)/),
  row(/^make login WHO=emo$/, e2e("lab-guest"), /make -s login WHO=emo/),
  row(/^make kubectl ARGS="get namespaces"$/, e2e("lab-guest"), /make\("kubectl", "ARGS=get namespaces"\)/),
  row(/^(make env|eval "\$\(make -s env\)")$/, e2e("lab-guest"), /make -s env/),
  row(/^make test$/, ".ci/run", /^exec make test$/m),
  row(/^npm run check( && make test)?$/, "Makefile", /^test:.*\n\t@npm run --silent check$/m),
  row(/^npm ci( && make test)?$/, "Makefile", /@npm ci /),
  row(/^npm ci --ignore-scripts$/, e2e("pipelines"), /world\.pipeline\("deploy\.yaml"/),
  row(/^npm run (schema && npm run docs|docs)$/, cli("npm-scripts"), /"npm run -s schema && npm run -s docs"/),
  row(
    /^npx vitest run --project unit .*access-matrix\.test\.ts --update$/,
    cli("npm-scripts"),
    /access-matrix\.test\.ts --update/,
  ),
  // The operator's command.
  row(/^\.\/ws check roster\.yaml$/, cli("check"), /ws\(\["check"/),
  row(/^\.\/ws derive roster\.yaml$/, cli("derive"), /ws\(\["derive", "--today"/),
  row(/^\.\/ws --version$/, cli("check"), /ws\(\["--version"\]\)/),
  row(/^\.\/ws COMMAND --help$/, cli("pages"), /\[command, "--help"\]/),
  row(/^\.\/ws plan$/, e2e("lab-guest"), /make -s env/),
  row(/^\.\/ws status( emo)?$/, e2e("board"), /ws\("status", "dora"\)/),
  row(
    /^\.\/ws status --json --html \S+ --prometheus \S+$/,
    e2e("board"),
    /"--json", "--html", files\[0\], "--prometheus"/,
  ),
  row(/^\.\/ws doctor$/, e2e("doctor"), /"doctor", "--json"/),
  row(/^\.\/ws history PERSON$/, e2e("board"), /"history", "emo"/),
  row(/^\.\/ws probe/, e2e("leaving"), /"probe",/),
  row(
    /^\.\/ws import( --out import --vault-token-file token)?$/,
    e2e("import"),
    /"import", "--json", "--out".*[\s\S]*"--vault-token-file"/,
  ),
  row(/^\.\/ws import --roster /, e2e("import"), /"--roster"/),
  row(/^\.\/ws remove( USER| NAME)?$/, cli("remove"), /atTerminal\(args/),
  row(/^\.\/ws restore-home$/, cli("restore-home"), /"restore-home"/),
  // The engine.
  row(/^pulumi stack export --file ~\/before\.json$/, e2e("upgrade"), /"stack", "export", "--file"/),
  row(/^pulumi stack import --file ~\/before\.json$/, e2e("upgrade"), /"stack", "import", "--file"/),
  row(/^pulumi preview --diff$/, e2e("upgrade"), /"preview", "--diff"/),
  row(/^pulumi preview$/, e2e("import"), /"preview"/),
  row(/^pulumi up$/, e2e("deploy-roster"), /"up", "--yes"/),
  row(/^pulumi up --refresh$/, e2e("vault-access"), /"--refresh"/),
  row(/^pulumi up --message$/, e2e("board"), /"--message", message/),
  row(/^pulumi up --replace .*::devvm-agent\$'\)"$/, e2e("lab-guest"), /pulumi up .*--replace/),
  row(/^pulumi stack select$/, e2e("runbooks"), /pulumi stack select/),
  row(
    /^pulumi config set (--path 'confirmLeave\[0\]' bob|removalLimit 2|--path 'hosts\[0\]\.port' 2222)$/,
    e2e("lab-guest"),
    /"--path 'confirmLeave\[0\]' bob", "removalLimit 2", "--path 'hosts\[0\]\.port' 2222"/,
  ),
  row(/^pulumi config set --secret --path …$/, e2e("canaries"), /"config", "set", "--secret", "--path"/),
  row(
    /^pulumi stack init prod --secrets-provider=/,
    e2e("secrets-provider"),
    /"stack", "init", "transit", `--secrets-provider=/,
  ),
  row(
    /^pulumi stack change-secrets-provider passphrase$/,
    e2e("secrets-provider"),
    /"change-secrets-provider", "passphrase"/,
  ),
  row(
    /^export VAULT_SERVER_URL=/,
    e2e("secrets-provider"),
    /VAULT_SERVER_URL: address, VAULT_SERVER_TOKEN: token, VAULT_CACERT/,
  ),
  row(
    /^vault write -f transit\/keys\/workstation-stack\/rotate$/,
    e2e("secrets-provider"),
    /transit\/keys\/workstation-stack\/rotate/,
  ),
  row(/^pulumi stack init prod$/, "docs/runbooks/state-lost.md", /^ *pulumi stack init lab$/m),
  row(
    /^pulumi config set --secret (sshPrivateKey|kubeconfig|vaultToken|forgejoPassword) < \S+$/,
    e2e("doctor"),
    /"config", "set", "--secret", key/,
  ),
  // Hosts and cluster.
  row(
    /^kubectl apply -f ci\/deployment-role\.yaml$/,
    e2e("doctor"),
    /"apply", "-f", join\(PROJECT, "ci\/deployment-role/,
  ),
  row(/^vault write auth\/token\/roles\/workstation-claude /, e2e("getting-started"), /blocks = blocksOf\(page\)/),
  row(/^workstation status$/, "docs/runbooks/join.md", /^ *ssh root@devvm workstation status$/m),
  row(/^workstation reconcile$/, e2e("host-life"), /workstation\("reconcile"\)/),
  row(/^workstation finish$/, e2e("host-workers"), /workstation\("finish"\)/),
  row(/^tmux-persist save$/, e2e("user-portal"), /tmux-persist save/),
  row(/^tmux-persist save [[<]user/, e2e("host-life"), /tmux-persist save emo/),
  row(/^tmux-persist save; systemctl stop user-<uid>\.slice$/, e2e("leaving"), /systemctl stop user-20003\.slice/),
  row(
    /^tmux-persist (restore|forget|status)/,
    e2e("sessions-life"),
    /persist\("forget ana_b dev2"\)[\s\S]*tmux-persist status/,
  ),
  row(/^chown -R root:$/, e2e("host-removal"), /chown -R root: \$\{COPY\} && chmod -R go= \$\{COPY\}/),
  row(/^chmod -R go=$/, e2e("host-removal"), /chown -R root: \$\{COPY\} && chmod -R go= \$\{COPY\}/),
  row(/^find \/ -xdev -uid N$/, e2e("host-removal"), /find \/ -xdev -uid 7601/),
  row(
    /^kubectl apply -f ci\/preview-role\.yaml$/,
    "test/e2e/pipelines/production-stack.ts",
    /"apply", .*"ci\/preview-role\.yaml"/,
  ),
  row(
    /^git tag --annotate --message=confirmed confirm\/<commit> <commit> && git push origin refs\/tags\/confirm\/<commit>$/,
    e2e("pipelines"),
    /world\.tag\(world\.wizard, `confirm\/\$\{top\.commit\}`/,
  ),
  row(
    /^kubectl -n stem95su describe pod -l app\.kubernetes\.io\/component=sync$/,
    e2e("stem95su"),
    /"describe", "pod", "-l", "app\.kubernetes\.io\/component=sync"/,
  ),
  row(
    /^kubectl -n stem95su create job now --from=cronjob\/stem95su-gdrive-sync$/,
    "test/e2e/stem95su/site-in-cluster.ts",
    /"create", "job", name, "--from=cronjob\/stem95su-gdrive-sync"/,
  ),
];
