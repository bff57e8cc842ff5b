package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// everybody is all targets, in the order of tables. The first is what others
// are compared with. The last ones are clients.
var everybody = []string{"floor", "floor+2sha", "boxcar", "minio", "versitygw", "nginx", rclone, nodeSDK3, nodeSDK10}

// find looks for what a target needs, and builds or installs it. The binary is
// empty where the target is this program.
func (b *bench) find(ctx context.Context, name string) (t target, binary string, err error) {
	switch name {
	case "floor":
		return floorTarget(name, false), "", nil
	case "floor+2sha":
		return floorTarget(name, true), "", nil
	case "boxcar":
		binary, err = buildBoxcar(ctx, b.dir)
		return boxcarTarget(binary), binary, err
	case "minio":
		binary, err = installed(ctx, minioModule, minioVersion)
		return minioTarget(binary), binary, err
	case "versitygw":
		binary, err = installed(ctx, versitygwModule, versitygwVersion)
		return versitygwTarget(binary), binary, err
	case "nginx":
		binary, err = nginxProgram(ctx)
		return target{name: name}, binary, err // takes no uploads
	case rclone:
		binary, err = buildRclone(ctx, b.dir)
		return target{name: name}, binary, err
	case nodeSDK3, nodeSDK10:
		binary, err = nodeProgram(ctx, strings.Replace(name, "-sdk-", "", 1))
		return target{name: name}, binary, err
	}
	return t, "", fmt.Errorf("there is no %q", name)
}

// findTargets makes ready the targets with these names, or everybody. What is
// not to be had here is named loudly, and the others go on without it.
func (b *bench) findTargets(ctx context.Context, out io.Writer, names []string) error {
	for _, name := range names {
		if !slices.Contains(everybody, name) {
			return fmt.Errorf("-targets: %q is none of %s", name, strings.Join(everybody, ", "))
		}
	}
	for _, name := range everybody {
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		t, binary, err := b.find(ctx, name)
		if err != nil {
			b.missing = append(b.missing, fmt.Sprintf("%s: %v", name, err))
			fmt.Fprintf(out, "!! WITHOUT %s: %v\n", name, err)
			continue
		}
		b.targets[name], b.binaries[name] = t, binary
	}
	return nil
}
