//! The `rspy` executable: command line, configuration, REPL start.

mod library;

use rspy_runtime::vm::Configuration;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let configuration = Configuration {
        executable: std::env::current_exe().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default(),
        original_arguments: args.clone(),
        arguments: vec!["-c".to_owned()],
        hash_seed: Some(0),
        int_max_str_digits: 4300,
        ..Configuration::default()
    };
    let source = args.get(2).cloned().unwrap_or_default();
    let here = 0u8;
    let stack_limit = (&raw const here as usize) - (7 << 20);
    let status = rspy_runtime::startup::run(
        configuration,
        rspy_modules::modules(),
        library::open(),
        stack_limit,
        |vm| {
            let result = rspy_runtime::startup::initialize(vm).and_then(|()| {
                let filename = vm.intern("<string>");
                let request = rspy_runtime::compile::CompileRequest {
                    filename: &filename, mode: rspy_syntax::Mode::Module, flags: 0, optimize: 0, feature_version: 14,
                };
                let code = rspy_runtime::compile::compile_source(vm, &rspy_syntax::Source::Text(&source), &request)?;
                let main = rspy_runtime::types::module::Module::new(vm, "__main__");
                vm.interpreter.modules.set_str(&vm.intern("__main__"), main.clone().into_value());
                rspy_runtime::import::frozen::run_code(vm, code.value(), &main.dict())
            });
            match result { Ok(_) => 0, Err(error) => { eprintln!("{}: {}", error.type_of().name(), vm.str(error.value()).map(|t| t.to_string_lossy().into_owned()).unwrap_or_default());
              rspy_runtime::exceptions::print::print_uncaught(vm, &error); 1 } }
        },
    );
    std::process::exit(status);
}
