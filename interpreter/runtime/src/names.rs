//! Names that the interpreter itself uses, as interned strings in statics.

use crate::types::string::StaticStr;

macro_rules! names {
    ($($name:ident)*) => {
        $(
            #[doc = concat!("The name `", stringify!($name), "`.")]
            #[allow(non_upper_case_globals)]
            pub static $name: StaticStr<{ stringify!($name).len() }> = StaticStr::new(stringify!($name));
        )*

        /// All of them, to be entered into the table of interned strings.
        pub fn for_each(mut visit: impl FnMut(&'static crate::object::Object<crate::types::string::Str>)) {
            $(visit(&$name);)*
        }
    };
}

names! {
    __abs__ __add__ __aenter__ __aexit__ __aiter__ __all__ __and__ __anext__ __annotate__ __annotate_func__
    __annotations__ __annotations_cache__ __args__ __await__ __bases__ __bool__ __buffer__ __build_class__
    __builtins__ __bytes__ __call__ __cached__ __ceil__ __class__ __class_getitem__ __classcell__ __classdict__
    __classdictcell__ __complex__ __conditional_annotations__ __contains__ __context__ __ctypes_from_outparam__
    __cause__ __debug__ __defaults__ __del__ __delattr__ __delete__ __delitem__ __dict__ __dictoffset__ __dir__
    __divmod__ __doc__ __enter__ __eq__ __exit__ __file__ __firstlineno__ __float__ __floor__ __floordiv__
    __format__ __fspath__ __ge__ __get__ __getattr__ __getattribute__ __getinitargs__ __getitem__ __getnewargs__
    __getnewargs_ex__ __getstate__ __gt__ __hash__ __iadd__ __iand__ __ifloordiv__ __ilshift__ __imatmul__
    __imod__ __import__ __imul__ __index__ __init__ __init_subclass__ __instancecheck__ __int__ __invert__
    __ior__ __ipow__ __irshift__ __isabstractmethod__ __isub__ __iter__ __itruediv__ __ixor__ __kwdefaults__
    __le__ __len__ __length_hint__ __loader__ __lshift__ __lt__ __main__ __match_args__ __matmul__
    __missing__ __mod__ __module__ __mro__ __mro_entries__ __mul__ __name__ __ne__ __neg__ __new__ __newobj__ __newobj_ex__ __next__
    __notes__ __objclass__ __or__ __orig_class__ __origin__ __package__ __parameters__ __path__ __pos__ __pow__
    __prepare__ __qualname__ __radd__ __rand__ __rdivmod__ __reduce__ __reduce_ex__ __release_buffer__ __repr__
    __reversed__ __rfloordiv__ __rlshift__ __rmatmul__ __rmod__ __rmul__ __ror__ __round__ __rpow__ __rrshift__
    __rshift__ __rsub__ __rtruediv__ __rxor__ __self__ __set__ __set_name__ __setattr__ __setitem__ __setstate__
    __sizeof__ __slotnames__ __slots__ __spec__ __static_attributes__ __str__ __sub__ __subclasscheck__
    __subclasshook__ __text_signature__ __traceback__ __truediv__ __trunc__ __type_params__ __typing_subst__
    __typing_is_unpacked_typevartuple__ __typing_unpacked_tuple_args__ __typing_prepare_subst__
    __unpacked__ __warningregistry__ __weakref__ __wrapped__ __xor__ __suppress_context__
    _abc_impl _asyncio_future_blocking _fields _attributes _initializing _loop _uninitialized_submodules _find_and_load _handle_fromlist
    _shutdown _lock_unlock_module _frozen_importlib _frozen_importlib_external _is_text_encoding
    _get_sourcefile _fix_up_module _strptime _bootstrap _check_retval_
    add add_done_callback append argv args asyncio bases begin big builtin_module_names builtins buffering byteorder call_exception_handler call_soon cancel children clear
    close closed code codecs column consts context copy copyreg cur dict decode default defaultaction deleter
    displayhook discard doc done encode encoding end end_lineno end_offset errno errors excepthook
    exceptions exec_prefix executable exit extend extra_tokens fdel fget file fileno filename fillvalue filter
    flags flush format from_bytes fromlist fset func get get_debug get_event_loop get_loop getattr is_running isinstance len getencoding getpreferredencoding getvalue globals
    id importlib indexgroup inf ignore insert intern isatty item items iter join key keys kind
    keyword last_exc last_traceback last_type last_value lineno little locals mapping
    max_length maxdigits maxevents metaclass mode module modules msg name namespace newline newlines next nl_char
    obj object offset open opener operator options order origin output
    parent path path_hooks path_importer_cache pattern peek
    platlibdir pop popitem pos pos1 posix prefix print_file_and_line priority progress_routine
    ps1 ps2 raw read read1 readable readall readinto readinto1 readline readonly release reload repl replace
    reset resetids result reversed reversed_ script seek seekable select send sep setdefault
    setcomp signal size sort source space stderr stdin stdout stdlib_dir store_name strict
    strict_mode string sub_key surrogateescape surrogatepass suppress symmetric sys tb_frame tb_lasti tb_lineno tb_next
    tell text throw times truncate type_params tzinfo unicode_errors unraisablehook
    update upper value values version warn warn_explicit warnings warnoptions
    weekday which who writable write year zipimporter meta_path __breakpointhook__ breakpointhook
    _warn_unawaited_coroutine showwarnmsg _showwarnmsg
    dispatch_table dst find_class fromutc isoformat persistent_id persistent_load reducer_override timetuple tzname
    utcoffset
    ensure_ascii utf_8 ascii latin_1 _io io TextIOWrapper BytesIO StringIO
}
