package recorder

import "errors"

var (
	errNotInquiry = errors.New("not an inquiry, though it came on an inquiry subject")
	errOther      = errors.New("the stream of this inquiry begins with another event")
)
