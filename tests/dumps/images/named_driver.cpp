// A driver whose functions have names of every kind that a PDB keeps: plain, of namespaces and classes, static ones,
// constructors, destructors, operators, templates, and two that the linker folds into one.
//
//   clang -c -O1 -g -gcodeview -fno-exceptions -fno-rtti -nostdinc --target=x86_64-pc-windows-msvc
//       -fno-threadsafe-statics -ffunction-sections named_driver.cpp -o named_driver.obj
//   lld-link named_driver.obj /out:named.sys /driver /subsystem:native /entry:DriverEntry /nodefaultlib /opt:icf
//       /timestamp:1505675768 /debug /pdb:named.pdb /pdbaltpath:named.pdb
//   xz -9e named.sys named.pdb
//
// Debian LLVM 14.0.6.

#define KEPT __attribute__((noinline))

extern "C" int volatile touched = 0;

extern "C" KEPT int plain(int a) { touched += a; return touched; }
static KEPT int hidden(int a) { touched -= a; return plain(a); }
extern "C" KEPT int folded_one(int a) { touched ^= a; return a + 77; }
extern "C" KEPT int folded_two(int a) { touched ^= a; return a + 77; }

namespace net {
namespace inner {
KEPT int deep(int a) { return hidden(a) + 1; }
}

class Port {
public:
    KEPT explicit Port(int number) : number_(number) { touched = number; }
    KEPT ~Port() { touched = 0; }
    KEPT int start(int a) { return inner::deep(a + number_); }
    KEPT int operator+(int a) { return start(a) * 3; }
    static KEPT Port *same(Port *one) { touched++; return one; }

private:
    int number_;
};

template <typename T> KEPT T doubled(T a) { touched += 2; return a + a; }
}

namespace {
KEPT int nameless(int a) { touched *= 5; return net::doubled<long long>(a) & 0x7f; }
}

extern "C" int DriverEntry(int a) {
    net::Port port(a);
    return net::Port::same(&port)->start(a) + (port + a) + nameless(a) + folded_one(a) + folded_two(a);
}
