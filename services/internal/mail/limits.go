package mail

// The limits of the parser. Reaching one is a warning, never an error: what is
// beyond it stays in the raw message, as an opaque attachment where it is
// content.
const (
	// DefaultMaxText and DefaultMaxHTML bound the decoded bodies, in bytes.
	DefaultMaxText = 1 << 20
	DefaultMaxHTML = 2 << 20

	maxHeaderBytes = 1 << 20  // one header block
	maxFields      = 1000     // fields of one header block
	maxFieldBytes  = 64 << 10 // one field, where it is decoded
	maxDepth       = 20       // nesting of multiparts
	maxParts       = 1000     // parts of one message
	maxParams      = 100      // parameters of one Content-Type or Content-Disposition
	maxAddresses   = 2000     // addresses of one field
	maxIDs         = 1000     // ids of References
	maxIDBytes     = 998      // one Message-ID (RFC 5322 section 2.1.1)
	maxFiles       = 100      // attachments of one message
	maxFileBytes   = 50 << 20 // attachments of one message together, decoded
	maxNameBytes   = 200      // one file name
	maxPieces      = 200      // inline texts that are joined to one body
	maxQuoteScan   = 64 << 10 // text looked at for a quoted conversation
	maxReport      = 256 << 10
	maxRecipients  = 500 // recipients of one delivery report
)

// Warning codes. They are a contract: metrics and tests name them.
const (
	WarnPanic           = "parser_panic"        // internal error; the whole mail became one file
	WarnEmpty           = "empty"               // nothing but white space
	WarnBOM             = "repaired_bom"        // byte order mark before the header
	WarnLeadingBlank    = "repaired_blank"      // blank lines before the header
	WarnMbox            = "repaired_mbox"       // mbox From_ line
	WarnCROnly          = "repaired_cr"         // lines end with CR alone
	WarnIndented        = "repaired_indent"     // first field is indented
	WarnJunkLine        = "repaired_junk"       // line between fields that is no field
	WarnUnfolded        = "repaired_unfolded"   // parameter line without indentation
	WarnNoBlankLine     = "repaired_no_blank"   // body begins without an empty line
	WarnNoHeader        = "no_header"           // everything is body
	WarnHeaderLimit     = "limit_header"        // header longer than the limit
	WarnFieldLimit      = "limit_fields"        // more fields than the limit
	WarnFieldSize       = "limit_field_size"    // a field was cut
	WarnDepthLimit      = "limit_depth"         // nested too deep
	WarnPartLimit       = "limit_parts"         // too many parts
	WarnParamLimit      = "limit_params"        // too many parameters
	WarnAddressLimit    = "limit_addresses"     // too many addresses
	WarnIDLimit         = "limit_references"    // too many or too long ids
	WarnFileLimit       = "limit_files"         // too many or too large attachments
	WarnTextLimit       = "limit_text"          // body was cut
	WarnNoBoundary      = "boundary_missing"    // multipart without boundary parameter
	WarnWrongBoundary   = "boundary_wrong"      // declared boundary never occurs
	WarnUnclosed        = "boundary_unclosed"   // end of a multipart is missing
	WarnNoParts         = "multipart_empty"     // multipart without parts
	WarnEncoding        = "encoding_unknown"    // unknown transfer encoding
	WarnDamaged         = "encoding_damaged"    // foreign or missing signs in base64 or quoted-printable
	WarnMultiEncoding   = "encoding_multipart"  // transfer encoding on a multipart
	WarnCharset         = "charset_unknown"     // unknown character set
	WarnCharsetGuessed  = "charset_guessed"     // no or a wrong declaration
	WarnCharsetDamaged  = "charset_damaged"     // some characters could not be read
	WarnUTF7            = "charset_utf7"        // declared UTF-7
	WarnNoFrom          = "from_missing"        // no author
	WarnManyFrom        = "from_multiple"       // more than one author
	WarnNameSpoof       = "from_name_address"   // display name looks like another address
	WarnMixedScript     = "from_mixed_script"   // address mixes scripts
	WarnNoMessageID     = "message_id_missing"  // none or empty
	WarnManyMessageID   = "message_id_multiple" // several different ones
	WarnNoDate          = "date_missing"        // none, or unreadable
	WarnDateFuture      = "date_future"         // more than a day ahead
	WarnDateAncient     = "date_ancient"        // before 1990
	WarnDateNoZone      = "date_no_zone"        // read as UTC
	WarnFileName        = "file_name_cleaned"   // path, control or direction marks removed
	WarnTypeMismatch    = "file_type_mismatch"  // content is something else than declared
	WarnTNEF            = "tnef"                // winmail.dat, opened where it could be
	WarnUUText          = "uuencoded_text"      // files taken out of the text
	WarnEncrypted       = "encrypted"           // content cannot be shown
	WarnHTMLText        = "html_text_fallback"  // text by tag stripping
	WarnReplyToDomain   = "reply_to_domain"     // answers go to another domain than the author's
	WarnDuplicateHeader = "header_duplicate"    // a field that may occur once occurs several times
)
