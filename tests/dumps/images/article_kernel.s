# A kernel that has nothing but the calls on which the article's machine stopped, every one at the article's offset:
#
#   KxStartSystemThread > PspSystemThreadStartup > Phase1Initialization > IoInitSystem
#   > IopInitializeSystemDrivers > IopLoadDriver, in a part that was split off > KeBugCheckEx
#
# The two addresses that the article prints (fffff803`b2ff4b4a, fffff803`b3205df3) fix the base and two functions; the
# words that it prints beside them are what these functions pass on.
#
#   clang -c --target=x86_64-pc-windows-msvc article_kernel.s -o article_kernel.obj
#   lld-link article_kernel.obj /out:ntoskrnl.exe /driver /subsystem:native /entry:KxStartSystemThread /nodefaultlib \
#       /fixed /base:0xfffff803b2a00000 /timestamp:1505675768 /debug /pdb:ntkrnlmp.pdb /pdbaltpath:ntkrnlmp.pdb
#   xz -9e ntoskrnl.exe ntkrnlmp.pdb
#
# Debian LLVM 14.0.6.

    .set TEXT, 0x1000                       # RVA of .text

    .macro named name
    .globl \name
    .def \name
    .scl 2
    .type 32
    .endef
\name:
    .endm

    # A row of .pdata and its UNWIND_INFO: the prologue ends with "sub rsp, room".
    .macro unwinds name, prologue, room
\name\()_end:
    .section .xdata, "dr"
    .p2align 2
\name\()_unwind:
    .byte 1, \prologue, 1, 0
    .byte \prologue, (\room / 8 - 1) << 4 | 2, 0, 0
    .section .pdata, "dr"
    .long \name@IMGREL, \name\()_end@IMGREL, \name\()_unwind@IMGREL
    .text
    .endm

    # A function that calls another one, so that the call returns to `back` from its own start.
    .macro calls name, room, back, target
    named \name
    subq $\room, %rsp
    .org \name + \back - 5, 0x90
    callq \target
    addq $\room, %rsp
    retq
    unwinds \name, 4, \room
    .p2align 4, 0xcc
    .endm

    .text
    named KeBugCheckEx
    movq %rcx, 8(%rsp)
    movq %rdx, 16(%rsp)
    movq %r8, 24(%rsp)
    movq %r9, 32(%rsp)
    hlt
    .p2align 4, 0xcc

    calls KxStartSystemThread, 0x28, 0x16, PspSystemThreadStartup
    calls PspSystemThreadStartup, 0x48, 0x41, Phase1Initialization
    calls Phase1Initialization, 0x38, 0x3c, IoInitSystem
    calls IoInitSystem, 0x28, 0x16, IopInitializeSystemDrivers

    .org 0x455264 - TEXT, 0xcc
    named IopLoadDriver
    movq %rcx, 8(%rsp)
    movq %rdx, 16(%rsp)
    movq %r8, 24(%rsp)
    movq %r9, 32(%rsp)
    subq $0x58, %rsp
    jmp split_off
    addq $0x58, %rsp
    retq
    unwinds IopLoadDriver, 24, 0x58

    .org 0x5f4b0a - TEXT, 0xcc
split_off:
    movq $0xffffffffc0000428, %rax
    movq %rax, 0x20(%rsp)
    movabsq $0xffffb00b0513d320, %r9
    movabsq $0xffffd80f4bfe7070, %r8
    movl $1, %edx
    movl $0x5a, %ecx
    .org 0x5f4b4a - TEXT - 5, 0x90
    callq KeBugCheckEx
    int3
split_off_end:
    .section .xdata, "dr"
    .p2align 2
split_off_unwind:
    .byte 1 | 4 << 3, 0, 0, 0
    .long IopLoadDriver@IMGREL, IopLoadDriver_end@IMGREL, IopLoadDriver_unwind@IMGREL
    .section .pdata, "dr"
    .long split_off@IMGREL, split_off_end@IMGREL, split_off_unwind@IMGREL

    .text
    .org 0x805cbc - TEXT, 0xcc
    named IopInitializeSystemDrivers
    subq $0x48, %rsp
    movabsq $0xffffd80f4bba9f58, %rcx
    movq %rcx, %rdx
    movabsq $0xffffc7011dc74b80, %r8
    movabsq $0xffffd80f00000006, %r9
    .org IopInitializeSystemDrivers + 0x137 - 5, 0x90
    callq IopLoadDriver
    addq $0x48, %rsp
    retq
    unwinds IopInitializeSystemDrivers, 4, 0x48
