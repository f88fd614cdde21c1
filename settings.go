package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// load reads the configuration: defaults, then the file, the environment, the
// flags. args are what follows the command; what is no flag is returned.
func load(args, environ []string) (c *Config, rest []string, err error) {
	c = defaults()
	flags, rest := parseFlags(args)
	file := flags["config"]
	delete(flags, "config")
	if file == "" {
		file = lookup(environ, "HUB_CONFIG")
	}
	if file == "" {
		if _, err := os.Stat("hub.toml"); err == nil {
			file = "hub.toml"
		}
	}
	if err := c.readFile(file); err != nil {
		return nil, nil, err
	}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		key, ours := strings.CutPrefix(name, "HUB_")
		if !ours || slices.Contains([]string{"CONFIG", "REQUIRE", "ESDB", "TEST_LOG"}, key) {
			continue
		}
		path, err := c.envPath(key)
		if err != nil {
			return nil, nil, err
		}
		if err := c.set(path, value, "environment "+name); err != nil {
			return nil, nil, err
		}
	}
	for _, key := range slices.Sorted(mapKeys(flags)) {
		if f, ok := c.field(key, false); ok && hide(f.secret, flags[key]) != any(flags[key]) {
			return nil, nil, fmt.Errorf("flag --%s: secrets come from a file or the environment, where other users of this machine cannot see them", key)
		}
		if err := c.set(key, flags[key], "flag --"+key); err != nil {
			return nil, nil, err
		}
	}
	return c, rest, c.finish()
}

func mapKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// parseFlags takes --key value and --key=value; a --key at the end or before
// another flag is true.
func parseFlags(args []string) (flags map[string]string, rest []string) {
	flags = map[string]string{}
	for i := 0; i < len(args); i++ {
		key, dashed := strings.CutPrefix(args[i], "--")
		if !dashed {
			rest = append(rest, args[i])
			continue
		}
		if key == "" {
			return flags, append(rest, args[i+1:]...)
		}
		key, value, given := strings.Cut(key, "=")
		if !given {
			value = "true"
			if i+1 < len(args) && !strings.HasPrefix(args[i+1], "--") {
				i++
				value = args[i]
			}
		}
		flags[key] = value
	}
	return flags, rest
}

func (c *Config) readFile(name string) error {
	if name == "" {
		return nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	var doc map[string]any
	if err := toml.Unmarshal(b, &doc); err != nil {
		var where *toml.DecodeError
		if errors.As(err, &where) {
			row, col := where.Position()
			return fmt.Errorf("read configuration: %s line %d column %d: %w", name, row, col, err)
		}
		return fmt.Errorf("read configuration: %s: %w", name, err)
	}
	return c.readTree("", doc, name)
}

// readTree sets every leaf of a decoded document.
func (c *Config) readTree(prefix string, v any, file string) error {
	switch v := v.(type) {
	case map[string]any:
		for key, sub := range v {
			if err := c.readTree(strings.TrimPrefix(prefix+"."+key, "."), sub, file); err != nil {
				return err
			}
		}
		return nil
	case []any:
		if _, leaf := c.field(prefix, true); !leaf {
			for i, sub := range v {
				if err := c.readTree(prefix+"."+strconv.Itoa(i), sub, file); err != nil {
					return err
				}
			}
			return nil
		}
		var parts []string
		for _, p := range v {
			parts = append(parts, fmt.Sprint(p))
		}
		return c.set(prefix, strings.Join(parts, ","), "file "+file)
	}
	if f, ok := c.field(prefix, true); ok && f.secret == "yes" {
		return fmt.Errorf("%s: %s: put a secret into a file and name it in %s_file, or into the environment", file, prefix, prefix)
	}
	return c.set(prefix, fmt.Sprint(v), "file "+file)
}

// leaf is one key that can be set.
type leaf struct {
	value  reflect.Value
	secret string
	help   string
}

// field finds the leaf of a dotted path. With grow, lists become long enough.
func (c *Config) field(path string, grow bool) (leaf, bool) {
	v, secret, help := reflect.ValueOf(c).Elem(), "", ""
	for _, part := range strings.Split(path, ".") {
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct {
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i > 999 || i >= v.Len() && !grow {
				return leaf{}, false
			}
			for v.Len() <= i {
				v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			}
			v = v.Index(i)
			continue
		}
		if v.Kind() != reflect.Struct {
			return leaf{}, false
		}
		found := false
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Tag.Get("toml") == part && part != "" {
				v, secret, help, found = v.Field(i), f.Tag.Get("secret"), f.Tag.Get("help"), true
				break
			}
		}
		if !found {
			return leaf{}, false
		}
	}
	isTable := v.Kind() == reflect.Struct || v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct
	return leaf{v, secret, help}, !isTable
}

func (c *Config) set(path, value, source string) error {
	f, ok := c.field(path, true)
	if !ok {
		return fmt.Errorf("%s: unknown key %q%s", source, path, c.nearest(path))
	}
	bad := func(want string) error { return fmt.Errorf("%s: %s is %q, want %s", source, path, value, want) }
	switch f.value.Interface().(type) {
	case string:
		f.value.SetString(value)
	case bool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return bad("true or false")
		}
		f.value.SetBool(b)
	case int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return bad("a number")
		}
		f.value.SetInt(int64(n))
	case time.Duration:
		d, err := time.ParseDuration(value)
		if err != nil {
			return bad("a duration such as 60s")
		}
		f.value.SetInt(int64(d))
	case []string:
		f.value.Set(reflect.ValueOf(strings.FieldsFunc(value, func(r rune) bool { return r == ',' })))
	}
	c.sources[path] = source
	return nil
}

// keys lists every key, lists with index 0.
func (c *Config) keys() []string {
	var out []string
	var walk func(prefix string, t reflect.Type)
	walk = func(prefix string, t reflect.Type) {
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct {
			prefix, t = prefix+".0", t.Elem()
		}
		if t.Kind() != reflect.Struct {
			out = append(out, prefix)
			return
		}
		for i := range t.NumField() {
			if name := t.Field(i).Tag.Get("toml"); name != "" {
				walk(strings.TrimPrefix(prefix+"."+name, "."), t.Field(i).Type)
			}
		}
	}
	walk("", reflect.TypeOf(*c))
	return out
}

// envPath finds the key that an environment variable means.
func (c *Config) envPath(name string) (string, error) {
	want := strings.ToLower(name)
	for _, key := range c.keys() {
		plain := strings.ReplaceAll(key, ".", "_")
		if plain == want {
			return key, nil
		}
		list, rest, indexed := strings.Cut(key, ".0.")
		if !indexed {
			continue
		}
		index, field, ok := strings.Cut(strings.TrimPrefix(want, list+"_"), "_")
		if _, err := strconv.Atoi(index); ok && err == nil && field == rest && strings.HasPrefix(want, list+"_") {
			return list + "." + index + "." + rest, nil
		}
	}
	return "", fmt.Errorf("environment HUB_%s: unknown key%s", name, c.nearest(strings.ReplaceAll(want, "_", ".")))
}

// nearest names the known key that is closest to a mistyped one.
func (c *Config) nearest(path string) string {
	best, distance := "", len(path)/2+2
	for _, key := range c.keys() {
		if d := editDistance(path, key); d < distance {
			best, distance = key, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// describe lists every value with its source, secrets hidden, for `hub check`.
func (c *Config) describe() []string {
	var out []string
	var walk func(prefix, secret string, v reflect.Value)
	walk = func(prefix, secret string, v reflect.Value) {
		switch {
		case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
			for i := range v.Len() {
				walk(prefix+"."+strconv.Itoa(i), "", v.Index(i))
			}
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.Tag.Get("toml") != "" {
					walk(strings.TrimPrefix(prefix+"."+f.Tag.Get("toml"), "."), f.Tag.Get("secret"), v.Field(i))
				}
			}
		default:
			source := c.sources[prefix]
			if source == "" {
				source = "default"
			}
			out = append(out, fmt.Sprintf("%-32s %-36v %s", prefix, hide(secret, v.Interface()), source))
		}
	}
	walk("", "", reflect.ValueOf(*c))
	sort.Strings(out)
	return out
}

func hide(secret string, v any) any {
	s, ok := v.(string)
	if !ok || secret == "" || s == "" {
		return v
	}
	if secret != "url" {
		return "(hidden)"
	}
	scheme, rest, _ := strings.Cut(s, "://")
	if scheme == "base64key" { // the rest is the key
		return scheme + "://(hidden)"
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 { // a password may have one, too
		return scheme + "://(hidden)" + rest[at:]
	}
	return s
}

func lookup(environ []string, name string) string {
	for _, kv := range environ {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			return v
		}
	}
	return ""
}
