// Command plugin-kubernetes is Pulumi's own Kubernetes plugin, with the schema that lies beside its program.
package main

import (
	"log"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

// version is the release that go.mod pins by its commit; the linker sets it.
var version string

func main() {
	program, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	schema, err := os.ReadFile(filepath.Join(filepath.Dir(program), "schema.json"))
	if err != nil {
		log.Fatal(err)
	}
	provider.Serve("kubernetes", version, schema, []byte("{}"))
}
