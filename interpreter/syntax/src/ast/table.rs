//! The one description of every syntax node of Python 3.14.

/// Calls `$callback!` with the table of all syntax nodes, in the order and with the names of `Python.asdl`.
///
/// Fields read `name: [type quantifier]`, with the asdl's own type names and `?`, `*` or `? *` for what may be
/// missing, repeated, or repeated with gaps. A field that would be a Rust keyword is a raw identifier (`r#type`).
/// After the asdl name of a type stands its Rust name, and for located sums the name of the enum of their
/// constructors.
#[macro_export]
macro_rules! for_each_node {
    ($callback:ident) => {
        $callback! {
            enumerations {
                expr_context ExprContext { Load, Store, Del }
                boolop BoolOp { And, Or }
                operator Operator {
                    Add, Sub, Mult, MatMult, Div, Mod, Pow, LShift, RShift, BitOr, BitXor, BitAnd, FloorDiv
                }
                unaryop UnaryOp { Invert, Not, UAdd, USub }
                cmpop CmpOp { Eq, NotEq, Lt, LtE, Gt, GtE, Is, IsNot, In, NotIn }
            }
            sums {
                mod Mod {
                    Module { body: [stmt *], type_ignores: [type_ignore *] }
                    Interactive { body: [stmt *] }
                    Expression { body: [expr] }
                    FunctionType { argtypes: [expr *], returns: [expr] }
                }
                type_ignore TypeIgnore {
                    TypeIgnore { lineno: [int], tag: [string] }
                }
            }
            located_sums {
                stmt Stmt StmtKind {
                    FunctionDef {
                        name: [identifier], args: [arguments], body: [stmt *], decorator_list: [expr *],
                        returns: [expr ?], type_comment: [string ?], type_params: [type_param *]
                    }
                    AsyncFunctionDef {
                        name: [identifier], args: [arguments], body: [stmt *], decorator_list: [expr *],
                        returns: [expr ?], type_comment: [string ?], type_params: [type_param *]
                    }
                    ClassDef {
                        name: [identifier], bases: [expr *], keywords: [keyword *], body: [stmt *],
                        decorator_list: [expr *], type_params: [type_param *]
                    }
                    Return { value: [expr ?] }
                    Delete { targets: [expr *] }
                    Assign { targets: [expr *], value: [expr], type_comment: [string ?] }
                    TypeAlias { name: [expr], type_params: [type_param *], value: [expr] }
                    AugAssign { target: [expr], op: [operator], value: [expr] }
                    AnnAssign { target: [expr], annotation: [expr], value: [expr ?], simple: [int] }
                    For { target: [expr], iter: [expr], body: [stmt *], orelse: [stmt *], type_comment: [string ?] }
                    AsyncFor {
                        target: [expr], iter: [expr], body: [stmt *], orelse: [stmt *], type_comment: [string ?]
                    }
                    While { test: [expr], body: [stmt *], orelse: [stmt *] }
                    If { test: [expr], body: [stmt *], orelse: [stmt *] }
                    With { items: [withitem *], body: [stmt *], type_comment: [string ?] }
                    AsyncWith { items: [withitem *], body: [stmt *], type_comment: [string ?] }
                    Match { subject: [expr], cases: [match_case *] }
                    Raise { exc: [expr ?], cause: [expr ?] }
                    Try { body: [stmt *], handlers: [excepthandler *], orelse: [stmt *], finalbody: [stmt *] }
                    TryStar { body: [stmt *], handlers: [excepthandler *], orelse: [stmt *], finalbody: [stmt *] }
                    Assert { test: [expr], msg: [expr ?] }
                    Import { names: [alias *] }
                    ImportFrom { module: [identifier ?], names: [alias *], level: [int ?] }
                    Global { names: [identifier *] }
                    Nonlocal { names: [identifier *] }
                    Expr { value: [expr] }
                    Pass {}
                    Break {}
                    Continue {}
                }
                attributes { lineno: [int], col_offset: [int], end_lineno: [int ?], end_col_offset: [int ?] }
                expr Expr ExprKind {
                    BoolOp { op: [boolop], values: [expr *] }
                    NamedExpr { target: [expr], value: [expr] }
                    BinOp { left: [expr], op: [operator], right: [expr] }
                    UnaryOp { op: [unaryop], operand: [expr] }
                    Lambda { args: [arguments], body: [expr] }
                    IfExp { test: [expr], body: [expr], orelse: [expr] }
                    Dict { keys: [expr ? *], values: [expr *] }
                    Set { elts: [expr *] }
                    ListComp { elt: [expr], generators: [comprehension *] }
                    SetComp { elt: [expr], generators: [comprehension *] }
                    DictComp { key: [expr], value: [expr], generators: [comprehension *] }
                    GeneratorExp { elt: [expr], generators: [comprehension *] }
                    Await { value: [expr] }
                    Yield { value: [expr ?] }
                    YieldFrom { value: [expr] }
                    Compare { left: [expr], ops: [cmpop *], comparators: [expr *] }
                    Call { func: [expr], args: [expr *], keywords: [keyword *] }
                    FormattedValue { value: [expr], conversion: [int], format_spec: [expr ?] }
                    Interpolation { value: [expr], str: [constant], conversion: [int], format_spec: [expr ?] }
                    JoinedStr { values: [expr *] }
                    TemplateStr { values: [expr *] }
                    Constant { value: [constant], kind: [string ?] }
                    Attribute { value: [expr], attr: [identifier], ctx: [expr_context] }
                    Subscript { value: [expr], slice: [expr], ctx: [expr_context] }
                    Starred { value: [expr], ctx: [expr_context] }
                    Name { id: [identifier], ctx: [expr_context] }
                    List { elts: [expr *], ctx: [expr_context] }
                    Tuple { elts: [expr *], ctx: [expr_context] }
                    Slice { lower: [expr ?], upper: [expr ?], step: [expr ?] }
                }
                attributes { lineno: [int], col_offset: [int], end_lineno: [int ?], end_col_offset: [int ?] }
                excepthandler ExceptHandler ExceptHandlerKind {
                    ExceptHandler { r#type: [expr ?], name: [identifier ?], body: [stmt *] }
                }
                attributes { lineno: [int], col_offset: [int], end_lineno: [int ?], end_col_offset: [int ?] }
                pattern Pattern PatternKind {
                    MatchValue { value: [expr] }
                    MatchSingleton { value: [constant] }
                    MatchSequence { patterns: [pattern *] }
                    MatchMapping { keys: [expr *], patterns: [pattern *], rest: [identifier ?] }
                    MatchClass {
                        cls: [expr], patterns: [pattern *], kwd_attrs: [identifier *], kwd_patterns: [pattern *]
                    }
                    MatchStar { name: [identifier ?] }
                    MatchAs { pattern: [pattern ?], name: [identifier ?] }
                    MatchOr { patterns: [pattern *] }
                }
                attributes { lineno: [int], col_offset: [int], end_lineno: [int], end_col_offset: [int] }
                type_param TypeParam TypeParamKind {
                    TypeVar { name: [identifier], bound: [expr ?], default_value: [expr ?] }
                    ParamSpec { name: [identifier], default_value: [expr ?] }
                    TypeVarTuple { name: [identifier], default_value: [expr ?] }
                }
                attributes { lineno: [int], col_offset: [int], end_lineno: [int], end_col_offset: [int] }
            }
            products {
                comprehension Comprehension { target: [expr], iter: [expr], ifs: [expr *], is_async: [int] }
                arguments Arguments {
                    posonlyargs: [arg *], args: [arg *], vararg: [arg ?], kwonlyargs: [arg *],
                    kw_defaults: [expr ? *], kwarg: [arg ?], defaults: [expr *]
                }
                withitem WithItem { context_expr: [expr], optional_vars: [expr ?] }
                match_case MatchCase { pattern: [pattern], guard: [expr ?], body: [stmt *] }
            }
            located_products {
                arg Arg { arg: [identifier], annotation: [expr ?], type_comment: [string ?] }
                attributes { lineno: [int], col_offset: [int], end_lineno: [int ?], end_col_offset: [int ?] }
                keyword Keyword { arg: [identifier ?], value: [expr] }
                attributes { lineno: [int], col_offset: [int], end_lineno: [int ?], end_col_offset: [int ?] }
                alias Alias { name: [identifier], asname: [identifier ?] }
                attributes { lineno: [int], col_offset: [int], end_lineno: [int ?], end_col_offset: [int ?] }
            }
        }
    };
}
