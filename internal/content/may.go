package content

// Action is something done to an item.
type Action string

const (
	See      Action = "see" // know that it is there, read its fields
	Download Action = "download"
	Upload   Action = "upload" // into a folder; a new version of a file
	Rename   Action = "rename"
	Delete   Action = "delete"
	Share    Action = "share"
)

// May is the one permission rule: who may do what to which item. An item that
// a caller may not See does not exist for that caller.
func May(who Principal, do Action, item Item) bool {
	return NodeOf(item).OwnedBy.ID == who.User
}
