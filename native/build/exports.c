// Linked into ggml's DLLs for Windows: lld takes these for the DLL's own and exports them, as zig names the files of the C library's start-up otherwise
// than others do; a library that is linked to the DLL would then have them twice.
__asm__(".section .drectve,\"yn\"\n"
        ".ascii \" -exclude-symbols:atexit,_CRT_INIT,__mingw_module_is_dll,__unw_getcontext\"\n");
