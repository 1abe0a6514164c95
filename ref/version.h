/* The version: of the library, its soname (the first number), the command and the manual. */
#ifndef ASSAY_VERSION
#define ASSAY_VERSION "0.2.0"
#endif
