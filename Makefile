# The project's commands. Each first makes sure that the packages of package-lock.json are there.
.PHONY: up down status build env ssh login kubectl test bench check
LAB := node --import tsx lab/main.ts
# On how many labs `make test` runs the end-to-end files. A third of each is waiting, so one more than there are processors
# keep these busy; of more than eight some only wait for the longest file.
LABS ?= $(shell echo $$(($$(nproc) < 7 ? $$(nproc) + 1 : 8)))
ifneq ($(shell echo '$(LABS)' | grep -cx '[1-9][0-9]*'),1)
$(error LABS=$(LABS): it must be a number of labs, 1 or more)
endif
# A lab keeps its kind of plugins, so each kind has labs of its own.
TEST_LAB := $(if $(PLUGINS),official,test)
WATCHES := /proc/sys/fs/inotify/max_user_instances
# PLUGINS=official: with Pulumi's own Kubernetes plugin, built once, and what WS_LAB_PLUGINS has of the others.
export PLUGINS
ifneq ($(filter-out official,$(PLUGINS)),)
$(error PLUGINS=$(PLUGINS): it can only be "official")
endif

up: node_modules/.installed
	@$(LAB) up

down: node_modules/.installed
	@$(LAB) down

status: node_modules/.installed
	@$(LAB) status

build: node_modules/.installed
	@$(LAB) build

# For a shell: eval "$(make -s env)"
env: node_modules/.installed
	@$(LAB) env

# A shell on the lab's host as root, or one command: make ssh ARGS="workstation status"
ssh: node_modules/.installed
	@$(LAB) ssh $(ARGS)

# A person's login on the lab's host: make login WHO=emo
login: node_modules/.installed
	@$(LAB) login $(WHO)

# The lab's cluster as its administrator: make kubectl ARGS="get namespaces"
kubectl: node_modules/.installed
	@$(LAB) kubectl $(ARGS)

test: node_modules/.installed
	@npm run --silent check
	@npm run --silent unit-slow
	@$(LAB) build
	@# Several labs use more of these than a fresh machine allows; the next boot has the former limit again.
	@test "$$(cat $(WATCHES))" -ge 2048 || echo 2048 >$(WATCHES)
	@for lab in $(TEST_LAB) $$(seq --format=$(TEST_LAB)-%.0f 2 $(LABS)); do WS_LAB=$$lab $(LAB) up --servers-only || exit 1; done
	@LABS=$(LABS) WS_LAB=$(TEST_LAB) npx --no-install vitest run --project e2e --project e2e-alone --reporter=default --reporter=./test/e2e/summary-of-run.ts

bench: node_modules/.installed
	@node --import tsx test/bench/main.ts
	@WS_LAB=bench node --import tsx test/bench/host.ts 1 20 100
	@WS_LAB=bench node --import tsx test/bench/sessions.ts
	@WS_LAB=bench node --import tsx test/bench/terminal.ts
	@WS_LAB=bench $(LAB) down --purge

check: node_modules/.installed
	@npm run --silent check

node_modules/.installed: package-lock.json
	@command -v npm >/dev/null || { echo "Node 20.19 or newer with npm is needed: install it, then try again." >&2; exit 1; }
	@echo "Installing the packages of package-lock.json (about a minute)" >&2
	@npm ci --no-audit --no-fund --loglevel=error >&2
	@touch $@
