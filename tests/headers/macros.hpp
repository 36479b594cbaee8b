// SPDX-License-Identifier: MIT
// Names that headers of operating systems take for themselves: <windows.h> without NOMINMAX, and
// what compilers define in their GNU dialects. No include guard: it only defines.
#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define CONST const
#define DELETE (0x00010000L)
#define ERROR 0
#define FALSE 0
#define GetObject GetObjectA
#define IGNORE 0
#define IN
#define NO_ERROR 0L
#define OPTIONAL
#define OUT
#define SendMessage SendMessageA
#define TRUE 1
#define VOID void
#define Yield()
#define far
#define interface struct
#define near
#define small char
#undef linux
#define linux 1
#undef unix
#define unix 1
