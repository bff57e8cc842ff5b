package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// finders look for what a target needs, and build or install it.
var finders = map[string]func(context.Context, *bench) (target, error){
	"floor":      func(context.Context, *bench) (target, error) { return floorTarget("floor", false), nil },
	"floor+2sha": func(context.Context, *bench) (target, error) { return floorTarget("floor+2sha", true), nil },
	"boxcar": func(_ context.Context, b *bench) (target, error) {
		binary, err := buildBoxcar(b.dir)
		return boxcarTarget(binary), err
	},
	"minio": func(ctx context.Context, _ *bench) (target, error) {
		binary, err := installed(ctx, minioModule, minioVersion)
		return minioTarget(binary), err
	},
	"versitygw": func(ctx context.Context, _ *bench) (target, error) {
		binary, err := installed(ctx, versitygwModule, versitygwVersion)
		return versitygwTarget(binary), err
	},
}

// everybody is all targets.
var everybody = []string{"floor", "floor+2sha", "boxcar", "minio", "versitygw"}

// findTargets makes ready the targets with these names, or everybody. What is
// not to be had here is named loudly, and the others go on without it.
func (b *bench) findTargets(ctx context.Context, names []string) error {
	for _, name := range names {
		if finders[name] == nil {
			return fmt.Errorf("-targets: %q is none of %s", name, strings.Join(everybody, ", "))
		}
	}
	b.targets = map[string]target{}
	for _, name := range everybody {
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		t, err := finders[name](ctx, b)
		if err != nil {
			b.missing = append(b.missing, fmt.Sprintf("%s: %v", name, err))
			fmt.Printf("!! WITHOUT %s: %v\n", name, err)
			continue
		}
		b.targets[name] = t
	}
	return nil
}
