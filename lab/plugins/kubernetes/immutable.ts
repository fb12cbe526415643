/** Lists the fields of a kind that cannot be changed in place, following the official plugin's table. */
import type { Path } from "../../../providers/runtime/differences.ts";
import type { PropertyMap } from "../../../providers/runtime/property-values.ts";
import type { Config } from "./config.ts";
import type { Gvk } from "./objects.ts";

/** Whether a change at this path of such an object needs a new object. */
export function replacesAt(path: Path, gvk: Gvk, object: PropertyMap, config: Config): boolean {
  return frozenFields(gvk, object, config).some((field) => touches(path, field.split(".")));
}

function frozenFields(gvk: Gvk, object: PropertyMap, config: Config): readonly string[] {
  const always = ["kind", "metadata.name", "metadata.namespace"];
  const frozen = object.immutable === true;
  if (isCore(gvk, "Secret") && (frozen || !config.mutableSecrets)) return [...always, "type", "stringData", "data"];
  if (isCore(gvk, "ConfigMap")) return frozen || !config.mutableConfigMaps ? [...always, "binaryData", "data"] : always;
  return [...always, ...(FROZEN[`${gvk.group}/${gvk.kind}`] ?? [])];
}

/** A change above a frozen field touches it as well as one at or below it. List indices do not count. */
function touches(path: Path, field: readonly string[]): boolean {
  const names = path.filter((step) => typeof step === "string");
  return field.slice(0, names.length).every((name, i) => name === names[i]);
}

const isCore = (gvk: Gvk, kind: string): boolean => gvk.group === "" && gvk.kind === kind;

const under = (prefix: string, names: string): readonly string[] => names.split(" ").map((name) => `${prefix}.${name}`);

/** Everything about a container but what the API lets change. */
const CONTAINER =
  "args command env image imagePullPolicy lifecycle livenessProbe ports readinessProbe resources securityContext " +
  "stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir";

const FROZEN: Readonly<Record<string, readonly string[]>> = {
  "/PersistentVolume": under(
    "spec",
    "awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk glusterfs " +
      "hostPath iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume",
  ),
  "/PersistentVolumeClaim": under("spec", "accessModes selector storageClassName volumeName"),
  "/Pod": [
    ...under(
      "spec",
      "affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC hostNetwork " +
        "hostPID hostname imagePullSecrets nodeName nodeSelector overhead preemptionPolicy priority priorityClassName " +
        "readinessGates restartPolicy runtimeClassName schedulerName securityContext serviceAccount serviceAccountName " +
        "shareProcessNamespace subdomain terminationGracePeriodSeconds volumes",
    ),
    ...under("spec.containers", CONTAINER),
    ...under("spec.initContainers", CONTAINER),
  ],
  "/ResourceQuota": ["spec.scopes"],
  "/Secret": ["type"],
  "/Service": ["spec.clusterIP"],
  "apps/DaemonSet": ["spec.selector"],
  "apps/Deployment": ["spec.selector"],
  "apps/StatefulSet": under(
    "spec",
    "podManagementPolicy revisionHistoryLimit selector serviceName volumeClaimTemplates",
  ),
  "batch/Job": under("spec", "completions parallelism selector template"),
  "rbac.authorization.k8s.io/ClusterRoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/RoleBinding": ["roleRef"],
  "storage.k8s.io/StorageClass": ["parameters", "provisioner"],
};
