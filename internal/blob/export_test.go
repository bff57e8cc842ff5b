package blob

// InUse is how many blocks of both sizes are out, and how many of the extra
// ones are left.
func (in *Intake) InUse() (blocks, extra int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.out + in.outSmall, in.extra
}

// BigInUse is how many are out that hold BlockSize.
func (in *Intake) BigInUse() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.out
}
