# c-api.awk: the public headers as Markdown: of each its opening comment, then its declarations under their comments.
# What rlc keeps to itself (rlc__ names), the bodies of inline functions and of macros, and what depends on the compiler are
# left out. Used by c-api.sh, which gives the headers in order.

# Prose, where a star or a < would mean something to Markdown; what stands between backquotes is left alone.
function escaped(text,    parts, n, i, result) {
    n = split(text, parts, "`")
    result = ""
    for (i = 1; i <= n; i++) {
        if (i % 2 == 1) {
            gsub(/\*/, "\\*", parts[i])
            gsub(/</, "\\&lt;", parts[i])
        }
        result = result (i > 1 ? "`" : "") parts[i]
    }
    return result
}

# One line of a comment without what makes it one; indented lines are code for Markdown too.
function bare(line) {
    sub(/^\/\* ?/, "", line)
    sub(/^ \* ?/, "", line)
    sub(/ *\*\/ *$/, "", line)
    return line ~ /^    / ? line : escaped(line)
}

function capital(text) {
    return toupper(substr(text, 1, 1)) substr(text, 2)
}

# The rows of ops.def, each a function and its formula.
function print_operations(    line, more, parts, arguments, name, formula) {
    print "| function | value |\n|---|---|"
    while ((getline line < "core/ops.def") > 0) {
        if (line !~ /^(UNARY|BINARY|COMPARE|LOGICAL)[A-Z_]*\([a-z]/) {
            continue
        }
        while (brackets(line) > 0 && (getline more < "core/ops.def") > 0) {
            sub(/^ +/, "", more)
            line = line " " more
        }
        arguments = line ~ /^UNARY/ ? "x" : "a, b"
        arguments = arguments (line ~ /^[A-Z]*_PQ/ ? ", p, q" : line ~ /^[A-Z]*_P/ ? ", p" : "")
        sub(/^[A-Z_]*\(/, "", line)
        split(line, parts, /, +/)
        name = parts[1]
        formula = line
        sub(/^[a-z0-9_]+, *((NUMBER|FLOAT), *)?/, "", formula)
        formula = first_argument(formula)
        gsub(/\|/, "\\|", formula)
        print "| `rlc_" name "(" arguments ")` | `" formula "` |"
    }
    close("core/ops.def")
    print ""
}

function brackets(line,    opened, closed) {
    opened = gsub(/\(/, "(", line)
    closed = gsub(/\)/, ")", line)
    return opened - closed
}

# What stands before the comma, or the bracket that closes the row.
function first_argument(text,    i, c, open) {
    open = 0
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (open == 0 && (c == "," || c == ")")) {
            return substr(text, 1, i - 1)
        }
        open += (c == "(") - (c == ")")
    }
    return text
}

# Prints the comment and the code gathered so far, if there is anything public in them.
function flush(    i, public) {
    public = operations
    for (i = 1; i <= lines; i++) {
        public = public || code[i] !~ /rlc__/ && code[i] ~ /[^ ]/ && code[i] ~ /^[^ }]/
    }
    if (public) {
        for (i = 1; i <= words; i++) {
            print text[i]
        }
        if (words > 0) {
            print ""
        }
        if (operations) {
            print_operations()
        }
        if (lines > 0) {
            print "```c"
            for (i = 1; i <= lines; i++) {
                if (code[i] !~ /^[^ ].*rlc__.*;/) {
                    print code[i]
                }
            }
            print "```\n"
        }
    }
    words = lines = operations = 0
}

function braces(line,    opened, closed) {
    opened = gsub(/\{/, "{", line)
    closed = gsub(/\}/, "}", line)
    return opened - closed
}

FNR == 1 {
    flush()
    name = FILENAME
    print "## " name "\n"
    opening = 1
    depth = skipping = conditions = commenting = body = 0
}

# The opening comment, which begins with the file's name.
opening {
    line = bare($0)
    if (FNR == 1) {
        sub(/^[a-z_0-9]+\.h: /, "", line)
        line = capital(line)
    }
    if ($0 !~ /^ \*\/$/) {
        print line
    }
    if ($0 ~ /\*\/ *$/) {
        print ""
        opening = 0
    }
    next
}

# What depends on the compiler: all conditions but the guard.
/^#if/ { conditions++ }
/^#endif/ { conditions--; next }
conditions > 1 || /^#(if|else|elif|undef)/ { next }

commenting {
    text[++words] = bare($0)
    commenting = $0 !~ /\*\/ *$/
    next
}

# The bodies of inline functions and of macros.
body {
    depth += braces($0)
    body = depth > 0
    next
}
skipping {
    skipping = $0 ~ /\\$/
    next
}

/^#include "core\/ops\.def"/ { operations = operations || depth == 0; next }
/^#include/ || /^RLC_(BEGIN|END)$/ || /^#define [A-Z_]+_H$/ || /^#define (UNARY|BINARY|COMPARE|LOGICAL|OP)/ { next }

/^#define/ {
    skipping = $0 ~ /\\$/
    line = $0
    sub(/ *\\$/, "", line)
    code[++lines] = line
    next
}

depth == 0 && /^ *$/ { flush(); next }

depth == 0 && /^\/\*/ {
    if (lines > 0 || operations) {
        flush()
    }
    text[++words] = bare($0)
    commenting = $0 !~ /\*\/ *$/
    next
}

depth == 0 && /^(static inline|RLC_INLINE)/ {
    line = $0
    depth += braces($0)
    body = depth > 0
    sub(/ *\{.*$/, ";", line)
    code[++lines] = line
    next
}

{
    depth += braces($0)
    code[++lines] = $0
}

END { flush() }
