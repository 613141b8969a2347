// One row for each instruction form of asm/asm.h, in its order:
//
//   _(name, C arguments, "text")      tests asm_name
//
// The letters of the second column are the C arguments behind the assembler: R register, X XMM
// register, M memory, I immediate, C condition, 0 none. The text is the instruction as a
// disassembler prints it, with a placeholder for each operand:
//
//   r64 r32 r16 r8  a register under the name of that width       xmm  an XMM register
//   m128 ... m8     memory with its size;  m  without (lea)
//   i64 ... i8      an immediate of that many bits                u8 u16  an unsigned one
//   n64 n32         a shift count below 64 or 32
//   CC PP           in a mnemonic: the condition (ne), the comparison (neq)
//   @               mov_ri: whichever of its three encodings is the shortest
#ifndef TEST_ASM_FORMS_H
#define TEST_ASM_FORMS_H

#define ASM_FORMS(_) \
    /* Moves */ \
    _(mov_rr, RR, "mov r64, r64") \
    _(mov_rm, RM, "mov r64, m64") \
    _(mov_mr, MR, "mov m64, r64") \
    _(mov_ri, RI, "mov @") \
    _(mov_ri64, RI, "movabs r64, i64") \
    _(mov_mi, MI, "mov m64, i32") \
    _(mov32_rr, RR, "mov r32, r32") \
    _(mov32_rm, RM, "mov r32, m32") \
    _(mov32_mr, MR, "mov m32, r32") \
    _(mov32_ri, RI, "mov r32, i32") \
    _(mov32_mi, MI, "mov m32, i32") \
    _(mov16_rr, RR, "mov r16, r16") \
    _(mov16_rm, RM, "mov r16, m16") \
    _(mov16_ri, RI, "mov r16, i16") \
    _(mov16_mr, MR, "mov m16, r16") \
    _(mov16_mi, MI, "mov m16, i16") \
    _(mov8_rr, RR, "mov r8, r8") \
    _(mov8_rm, RM, "mov r8, m8") \
    _(mov8_mr, MR, "mov m8, r8") \
    _(mov8_ri, RI, "mov r8, i8") \
    _(mov8_mi, MI, "mov m8, i8") \
    _(movzx8_rr, RR, "movzx r32, r8") \
    _(movzx8_rm, RM, "movzx r32, m8") \
    _(movzx16_rr, RR, "movzx r32, r16") \
    _(movzx16_rm, RM, "movzx r32, m16") \
    _(movsx8_rr, RR, "movsx r64, r8") \
    _(movsx8_rm, RM, "movsx r64, m8") \
    _(movsx8_32_rr, RR, "movsx r32, r8") \
    _(movsx8_32_rm, RM, "movsx r32, m8") \
    _(movsx16_rr, RR, "movsx r64, r16") \
    _(movsx16_rm, RM, "movsx r64, m16") \
    _(movsx16_32_rr, RR, "movsx r32, r16") \
    _(movsx16_32_rm, RM, "movsx r32, m16") \
    _(movsxd_rr, RR, "movsxd r64, r32") \
    _(movsxd_rm, RM, "movsxd r64, m32") \
    _(lea_rm, RM, "lea r64, m") \
    _(lea32_rm, RM, "lea r32, m") \
    _(xchg_rr, RR, "xchg r64, r64") \
    _(xchg_mr, MR, "xchg m64, r64") \
    _(cmpxchg_mr, MR, "cmpxchg m64, r64") \
    _(lock_cmpxchg_mr, MR, "lock cmpxchg m64, r64") \
    _(lock_xadd_mr, MR, "lock xadd m64, r64") \
    _(xchg32_rr, RR, "xchg r32, r32") \
    _(xchg32_mr, MR, "xchg m32, r32") \
    _(cmpxchg32_mr, MR, "cmpxchg m32, r32") \
    _(lock_cmpxchg32_mr, MR, "lock cmpxchg m32, r32") \
    _(lock_xadd32_mr, MR, "lock xadd m32, r32") \
    _(bswap_r, R, "bswap r64") \
    _(bswap32_r, R, "bswap r32") \
    /* The stack */ \
    _(push_r, R, "push r64") \
    _(push_m, M, "push m64") \
    _(push_i, I, "push i32") \
    _(pop_r, R, "pop r64") \
    _(pop_m, M, "pop m64") \
    _(pushfq, 0, "pushfq") \
    _(popfq, 0, "popfq") \
    _(leave, 0, "leave") \
    /* Arithmetic and logic */ \
    _(add_rr, RR, "add r64, r64") \
    _(add_rm, RM, "add r64, m64") \
    _(add_mr, MR, "add m64, r64") \
    _(add_ri, RI, "add r64, i32") \
    _(add_mi, MI, "add m64, i32") \
    _(add32_rr, RR, "add r32, r32") \
    _(add32_rm, RM, "add r32, m32") \
    _(add32_mr, MR, "add m32, r32") \
    _(add32_ri, RI, "add r32, i32") \
    _(add32_mi, MI, "add m32, i32") \
    _(add8_rr, RR, "add r8, r8") \
    _(add8_rm, RM, "add r8, m8") \
    _(add8_mr, MR, "add m8, r8") \
    _(add8_ri, RI, "add r8, i8") \
    _(add8_mi, MI, "add m8, i8") \
    _(or_rr, RR, "or r64, r64") \
    _(or_rm, RM, "or r64, m64") \
    _(or_mr, MR, "or m64, r64") \
    _(or_ri, RI, "or r64, i32") \
    _(or_mi, MI, "or m64, i32") \
    _(or32_rr, RR, "or r32, r32") \
    _(or32_rm, RM, "or r32, m32") \
    _(or32_mr, MR, "or m32, r32") \
    _(or32_ri, RI, "or r32, i32") \
    _(or32_mi, MI, "or m32, i32") \
    _(or8_rr, RR, "or r8, r8") \
    _(or8_rm, RM, "or r8, m8") \
    _(or8_mr, MR, "or m8, r8") \
    _(or8_ri, RI, "or r8, i8") \
    _(or8_mi, MI, "or m8, i8") \
    _(adc_rr, RR, "adc r64, r64") \
    _(adc_rm, RM, "adc r64, m64") \
    _(adc_mr, MR, "adc m64, r64") \
    _(adc_ri, RI, "adc r64, i32") \
    _(adc_mi, MI, "adc m64, i32") \
    _(adc32_rr, RR, "adc r32, r32") \
    _(adc32_rm, RM, "adc r32, m32") \
    _(adc32_mr, MR, "adc m32, r32") \
    _(adc32_ri, RI, "adc r32, i32") \
    _(adc32_mi, MI, "adc m32, i32") \
    _(sbb_rr, RR, "sbb r64, r64") \
    _(sbb_rm, RM, "sbb r64, m64") \
    _(sbb_mr, MR, "sbb m64, r64") \
    _(sbb_ri, RI, "sbb r64, i32") \
    _(sbb_mi, MI, "sbb m64, i32") \
    _(sbb32_rr, RR, "sbb r32, r32") \
    _(sbb32_rm, RM, "sbb r32, m32") \
    _(sbb32_mr, MR, "sbb m32, r32") \
    _(sbb32_ri, RI, "sbb r32, i32") \
    _(sbb32_mi, MI, "sbb m32, i32") \
    _(and_rr, RR, "and r64, r64") \
    _(and_rm, RM, "and r64, m64") \
    _(and_mr, MR, "and m64, r64") \
    _(and_ri, RI, "and r64, i32") \
    _(and_mi, MI, "and m64, i32") \
    _(and32_rr, RR, "and r32, r32") \
    _(and32_rm, RM, "and r32, m32") \
    _(and32_mr, MR, "and m32, r32") \
    _(and32_ri, RI, "and r32, i32") \
    _(and32_mi, MI, "and m32, i32") \
    _(and8_rr, RR, "and r8, r8") \
    _(and8_rm, RM, "and r8, m8") \
    _(and8_mr, MR, "and m8, r8") \
    _(and8_ri, RI, "and r8, i8") \
    _(and8_mi, MI, "and m8, i8") \
    _(sub_rr, RR, "sub r64, r64") \
    _(sub_rm, RM, "sub r64, m64") \
    _(sub_mr, MR, "sub m64, r64") \
    _(sub_ri, RI, "sub r64, i32") \
    _(sub_mi, MI, "sub m64, i32") \
    _(sub32_rr, RR, "sub r32, r32") \
    _(sub32_rm, RM, "sub r32, m32") \
    _(sub32_mr, MR, "sub m32, r32") \
    _(sub32_ri, RI, "sub r32, i32") \
    _(sub32_mi, MI, "sub m32, i32") \
    _(sub8_rr, RR, "sub r8, r8") \
    _(sub8_rm, RM, "sub r8, m8") \
    _(sub8_mr, MR, "sub m8, r8") \
    _(sub8_ri, RI, "sub r8, i8") \
    _(sub8_mi, MI, "sub m8, i8") \
    _(xor_rr, RR, "xor r64, r64") \
    _(xor_rm, RM, "xor r64, m64") \
    _(xor_mr, MR, "xor m64, r64") \
    _(xor_ri, RI, "xor r64, i32") \
    _(xor_mi, MI, "xor m64, i32") \
    _(xor32_rr, RR, "xor r32, r32") \
    _(xor32_rm, RM, "xor r32, m32") \
    _(xor32_mr, MR, "xor m32, r32") \
    _(xor32_ri, RI, "xor r32, i32") \
    _(xor32_mi, MI, "xor m32, i32") \
    _(xor8_rr, RR, "xor r8, r8") \
    _(xor8_rm, RM, "xor r8, m8") \
    _(xor8_mr, MR, "xor m8, r8") \
    _(xor8_ri, RI, "xor r8, i8") \
    _(xor8_mi, MI, "xor m8, i8") \
    /* Comparison: cmp and test set the flags and write nothing else */ \
    _(cmp_rr, RR, "cmp r64, r64") \
    _(cmp_rm, RM, "cmp r64, m64") \
    _(cmp_mr, MR, "cmp m64, r64") \
    _(cmp_ri, RI, "cmp r64, i32") \
    _(cmp_mi, MI, "cmp m64, i32") \
    _(cmp32_rr, RR, "cmp r32, r32") \
    _(cmp32_rm, RM, "cmp r32, m32") \
    _(cmp32_mr, MR, "cmp m32, r32") \
    _(cmp32_ri, RI, "cmp r32, i32") \
    _(cmp32_mi, MI, "cmp m32, i32") \
    _(cmp16_rm, RM, "cmp r16, m16") \
    _(cmp16_mr, MR, "cmp m16, r16") \
    _(cmp16_mi, MI, "cmp m16, i16") \
    _(cmp8_rr, RR, "cmp r8, r8") \
    _(cmp8_rm, RM, "cmp r8, m8") \
    _(cmp8_mr, MR, "cmp m8, r8") \
    _(cmp8_ri, RI, "cmp r8, i8") \
    _(cmp8_mi, MI, "cmp m8, i8") \
    _(test_rr, RR, "test r64, r64") \
    _(test_mr, MR, "test m64, r64") \
    _(test_ri, RI, "test r64, i32") \
    _(test_mi, MI, "test m64, i32") \
    _(test32_rr, RR, "test r32, r32") \
    _(test32_mr, MR, "test m32, r32") \
    _(test32_ri, RI, "test r32, i32") \
    _(test32_mi, MI, "test m32, i32") \
    _(test8_rr, RR, "test r8, r8") \
    _(test8_mr, MR, "test m8, r8") \
    _(test8_ri, RI, "test r8, i8") \
    _(test8_mi, MI, "test m8, i8") \
    /* Multiplication and division */ \
    _(imul_rr, RR, "imul r64, r64") \
    _(imul_rm, RM, "imul r64, m64") \
    _(imul_rri, RRI, "imul r64, r64, i32") \
    _(imul_rmi, RMI, "imul r64, m64, i32") \
    _(mul_r, R, "mul r64") \
    _(mul_m, M, "mul m64") \
    _(imul_r, R, "imul r64") \
    _(imul_m, M, "imul m64") \
    _(div_r, R, "div r64") \
    _(div_m, M, "div m64") \
    _(idiv_r, R, "idiv r64") \
    _(idiv_m, M, "idiv m64") \
    _(not_r, R, "not r64") \
    _(not_m, M, "not m64") \
    _(neg_r, R, "neg r64") \
    _(neg_m, M, "neg m64") \
    _(inc_r, R, "inc r64") \
    _(inc_m, M, "inc m64") \
    _(dec_r, R, "dec r64") \
    _(dec_m, M, "dec m64") \
    _(imul32_rr, RR, "imul r32, r32") \
    _(imul32_rm, RM, "imul r32, m32") \
    _(imul32_rri, RRI, "imul r32, r32, i32") \
    _(imul32_rmi, RMI, "imul r32, m32, i32") \
    _(mul32_r, R, "mul r32") \
    _(mul32_m, M, "mul m32") \
    _(imul32_r, R, "imul r32") \
    _(imul32_m, M, "imul m32") \
    _(div32_r, R, "div r32") \
    _(div32_m, M, "div m32") \
    _(idiv32_r, R, "idiv r32") \
    _(idiv32_m, M, "idiv m32") \
    _(not32_r, R, "not r32") \
    _(not32_m, M, "not m32") \
    _(neg32_r, R, "neg r32") \
    _(neg32_m, M, "neg m32") \
    _(inc32_r, R, "inc r32") \
    _(inc32_m, M, "inc m32") \
    _(dec32_r, R, "dec r32") \
    _(dec32_m, M, "dec m32") \
    _(cqo, 0, "cqo") \
    _(cdq, 0, "cdq") \
    _(cdqe, 0, "cdqe") \
    /* Shifts and rotations: by an immediate (less than the width), or by CL (suffix _rc) */ \
    _(rol_ri, RI, "rol r64, n64") \
    _(rol_rc, R, "rol r64, cl") \
    _(rol32_ri, RI, "rol r32, n32") \
    _(rol32_rc, R, "rol r32, cl") \
    _(ror_ri, RI, "ror r64, n64") \
    _(ror_rc, R, "ror r64, cl") \
    _(ror32_ri, RI, "ror r32, n32") \
    _(ror32_rc, R, "ror r32, cl") \
    _(shl_ri, RI, "shl r64, n64") \
    _(shl_rc, R, "shl r64, cl") \
    _(shl32_ri, RI, "shl r32, n32") \
    _(shl32_rc, R, "shl r32, cl") \
    _(shr_ri, RI, "shr r64, n64") \
    _(shr_rc, R, "shr r64, cl") \
    _(shr32_ri, RI, "shr r32, n32") \
    _(shr32_rc, R, "shr r32, cl") \
    _(sar_ri, RI, "sar r64, n64") \
    _(sar_rc, R, "sar r64, cl") \
    _(sar32_ri, RI, "sar r32, n32") \
    _(sar32_rc, R, "sar r32, cl") \
    /* BMI2: shifts that take the count from any register and leave the flags alone */ \
    _(shlx_rrr, RRR, "shlx r64, r64, r64") \
    _(shlx_rmr, RMR, "shlx r64, m64, r64") \
    _(shlx32_rrr, RRR, "shlx r32, r32, r32") \
    _(shlx32_rmr, RMR, "shlx r32, m32, r32") \
    _(shrx_rrr, RRR, "shrx r64, r64, r64") \
    _(shrx_rmr, RMR, "shrx r64, m64, r64") \
    _(shrx32_rrr, RRR, "shrx r32, r32, r32") \
    _(shrx32_rmr, RMR, "shrx r32, m32, r32") \
    _(sarx_rrr, RRR, "sarx r64, r64, r64") \
    _(sarx_rmr, RMR, "sarx r64, m64, r64") \
    _(sarx32_rrr, RRR, "sarx r32, r32, r32") \
    _(sarx32_rmr, RMR, "sarx r32, m32, r32") \
    _(rorx_rri, RRI, "rorx r64, r64, n64") \
    _(rorx32_rri, RRI, "rorx r32, r32, n32") \
    /* Bits */ \
    _(bt_rr, RR, "bt r64, r64") \
    _(bt_ri, RI, "bt r64, n64") \
    _(bt_mi, MI, "bt m64, n64") \
    _(bt32_rr, RR, "bt r32, r32") \
    _(bt32_ri, RI, "bt r32, n32") \
    _(bt32_mi, MI, "bt m32, n32") \
    _(bts_rr, RR, "bts r64, r64") \
    _(bts_ri, RI, "bts r64, n64") \
    _(bts_mi, MI, "bts m64, n64") \
    _(bts32_rr, RR, "bts r32, r32") \
    _(bts32_ri, RI, "bts r32, n32") \
    _(bts32_mi, MI, "bts m32, n32") \
    _(btr_rr, RR, "btr r64, r64") \
    _(btr_ri, RI, "btr r64, n64") \
    _(btr_mi, MI, "btr m64, n64") \
    _(btr32_rr, RR, "btr r32, r32") \
    _(btr32_ri, RI, "btr r32, n32") \
    _(btr32_mi, MI, "btr m32, n32") \
    _(btc_rr, RR, "btc r64, r64") \
    _(btc_ri, RI, "btc r64, n64") \
    _(btc_mi, MI, "btc m64, n64") \
    _(btc32_rr, RR, "btc r32, r32") \
    _(btc32_ri, RI, "btc r32, n32") \
    _(btc32_mi, MI, "btc m32, n32") \
    _(popcnt_rr, RR, "popcnt r64, r64") \
    _(popcnt_rm, RM, "popcnt r64, m64") \
    _(popcnt32_rr, RR, "popcnt r32, r32") \
    _(popcnt32_rm, RM, "popcnt r32, m32") \
    _(tzcnt_rr, RR, "tzcnt r64, r64") \
    _(tzcnt_rm, RM, "tzcnt r64, m64") \
    _(tzcnt32_rr, RR, "tzcnt r32, r32") \
    _(tzcnt32_rm, RM, "tzcnt r32, m32") \
    _(lzcnt_rr, RR, "lzcnt r64, r64") \
    _(lzcnt_rm, RM, "lzcnt r64, m64") \
    _(lzcnt32_rr, RR, "lzcnt r32, r32") \
    _(lzcnt32_rm, RM, "lzcnt r32, m32") \
    /* Conditions */ \
    _(setcc_r, CR, "setCC r8") \
    _(setcc_m, CM, "setCC m8") \
    _(cmovcc_rr, CRR, "cmovCC r64, r64") \
    _(cmovcc_rm, CRM, "cmovCC r64, m64") \
    _(cmovcc32_rr, CRR, "cmovCC r32, r32") \
    _(cmovcc32_rm, CRM, "cmovCC r32, m32") \
    /* Control flow */ \
    _(jmp_r, R, "jmp r64") \
    _(jmp_m, M, "jmp m64") \
    _(call_r, R, "call r64") \
    _(call_m, M, "call m64") \
    _(ret, 0, "ret") \
    _(ret_i, I, "ret u16") \
    /* The rest */ \
    _(ud2, 0, "ud2") \
    _(int3, 0, "int3") \
    _(endbr64, 0, "endbr64") \
    _(cpuid, 0, "cpuid") \
    _(rdtsc, 0, "rdtsc") \
    _(cld, 0, "cld") \
    _(std, 0, "std") \
    _(pause, 0, "pause") \
    _(rep_movsq, 0, "rep movsq qword ptr [rdi], qword ptr [rsi]") \
    _(rep_stosq, 0, "rep stosq qword ptr [rdi], rax") \
    _(rdtscp, 0, "rdtscp") \
    _(lfence, 0, "lfence") \
    _(mfence, 0, "mfence") \
    _(ldmxcsr_m, M, "ldmxcsr m32") \
    _(stmxcsr_m, M, "stmxcsr m32") \
    /* SSE: scalar moves */ \
    _(movsd_xx, XX, "movsd xmm, xmm") \
    _(movsd_xm, XM, "movsd xmm, m64") \
    _(movsd_mx, MX, "movsd m64, xmm") \
    _(movss_xx, XX, "movss xmm, xmm") \
    _(movss_xm, XM, "movss xmm, m32") \
    _(movss_mx, MX, "movss m32, xmm") \
    _(movq_xx, XX, "movq xmm, xmm") \
    _(movq_xm, XM, "movq xmm, m64") \
    _(movq_mx, MX, "movq m64, xmm") \
    _(movq_xr, XR, "movq xmm, r64") \
    _(movq_rx, RX, "movq r64, xmm") \
    _(movd_xr, XR, "movd xmm, r32") \
    _(movd_xm, XM, "movd xmm, m32") \
    _(movd_rx, RX, "movd r32, xmm") \
    _(movd_mx, MX, "movd m32, xmm") \
    /* SSE: packed moves */ \
    _(movaps_xx, XX, "movaps xmm, xmm") \
    _(movaps_xm, XM, "movaps xmm, m128") \
    _(movaps_mx, MX, "movaps m128, xmm") \
    _(movups_xx, XX, "movups xmm, xmm") \
    _(movups_xm, XM, "movups xmm, m128") \
    _(movups_mx, MX, "movups m128, xmm") \
    _(movapd_xx, XX, "movapd xmm, xmm") \
    _(movapd_xm, XM, "movapd xmm, m128") \
    _(movapd_mx, MX, "movapd m128, xmm") \
    _(movupd_xx, XX, "movupd xmm, xmm") \
    _(movupd_xm, XM, "movupd xmm, m128") \
    _(movupd_mx, MX, "movupd m128, xmm") \
    _(movdqa_xx, XX, "movdqa xmm, xmm") \
    _(movdqa_xm, XM, "movdqa xmm, m128") \
    _(movdqa_mx, MX, "movdqa m128, xmm") \
    _(movdqu_xx, XX, "movdqu xmm, xmm") \
    _(movdqu_xm, XM, "movdqu xmm, m128") \
    _(movdqu_mx, MX, "movdqu m128, xmm") \
    _(movlpd_xm, XM, "movlpd xmm, m64") \
    _(movlpd_mx, MX, "movlpd m64, xmm") \
    _(movhpd_xm, XM, "movhpd xmm, m64") \
    _(movhpd_mx, MX, "movhpd m64, xmm") \
    _(movlps_xm, XM, "movlps xmm, m64") \
    _(movlps_mx, MX, "movlps m64, xmm") \
    _(movhps_xm, XM, "movhps xmm, m64") \
    _(movhps_mx, MX, "movhps m64, xmm") \
    _(movhlps_xx, XX, "movhlps xmm, xmm") \
    _(movlhps_xx, XX, "movlhps xmm, xmm") \
    _(movddup_xx, XX, "movddup xmm, xmm") \
    _(movddup_xm, XM, "movddup xmm, m64") \
    /* SSE: arithmetic. sd: one double, ss: one float, pd: two doubles, ps: four floats */ \
    _(sqrtsd_xx, XX, "sqrtsd xmm, xmm") \
    _(sqrtsd_xm, XM, "sqrtsd xmm, m64") \
    _(sqrtss_xx, XX, "sqrtss xmm, xmm") \
    _(sqrtss_xm, XM, "sqrtss xmm, m32") \
    _(sqrtpd_xx, XX, "sqrtpd xmm, xmm") \
    _(sqrtpd_xm, XM, "sqrtpd xmm, m128") \
    _(sqrtps_xx, XX, "sqrtps xmm, xmm") \
    _(sqrtps_xm, XM, "sqrtps xmm, m128") \
    _(addsd_xx, XX, "addsd xmm, xmm") \
    _(addsd_xm, XM, "addsd xmm, m64") \
    _(addss_xx, XX, "addss xmm, xmm") \
    _(addss_xm, XM, "addss xmm, m32") \
    _(addpd_xx, XX, "addpd xmm, xmm") \
    _(addpd_xm, XM, "addpd xmm, m128") \
    _(addps_xx, XX, "addps xmm, xmm") \
    _(addps_xm, XM, "addps xmm, m128") \
    _(mulsd_xx, XX, "mulsd xmm, xmm") \
    _(mulsd_xm, XM, "mulsd xmm, m64") \
    _(mulss_xx, XX, "mulss xmm, xmm") \
    _(mulss_xm, XM, "mulss xmm, m32") \
    _(mulpd_xx, XX, "mulpd xmm, xmm") \
    _(mulpd_xm, XM, "mulpd xmm, m128") \
    _(mulps_xx, XX, "mulps xmm, xmm") \
    _(mulps_xm, XM, "mulps xmm, m128") \
    _(subsd_xx, XX, "subsd xmm, xmm") \
    _(subsd_xm, XM, "subsd xmm, m64") \
    _(subss_xx, XX, "subss xmm, xmm") \
    _(subss_xm, XM, "subss xmm, m32") \
    _(subpd_xx, XX, "subpd xmm, xmm") \
    _(subpd_xm, XM, "subpd xmm, m128") \
    _(subps_xx, XX, "subps xmm, xmm") \
    _(subps_xm, XM, "subps xmm, m128") \
    _(minsd_xx, XX, "minsd xmm, xmm") \
    _(minsd_xm, XM, "minsd xmm, m64") \
    _(minss_xx, XX, "minss xmm, xmm") \
    _(minss_xm, XM, "minss xmm, m32") \
    _(minpd_xx, XX, "minpd xmm, xmm") \
    _(minpd_xm, XM, "minpd xmm, m128") \
    _(minps_xx, XX, "minps xmm, xmm") \
    _(minps_xm, XM, "minps xmm, m128") \
    _(divsd_xx, XX, "divsd xmm, xmm") \
    _(divsd_xm, XM, "divsd xmm, m64") \
    _(divss_xx, XX, "divss xmm, xmm") \
    _(divss_xm, XM, "divss xmm, m32") \
    _(divpd_xx, XX, "divpd xmm, xmm") \
    _(divpd_xm, XM, "divpd xmm, m128") \
    _(divps_xx, XX, "divps xmm, xmm") \
    _(divps_xm, XM, "divps xmm, m128") \
    _(maxsd_xx, XX, "maxsd xmm, xmm") \
    _(maxsd_xm, XM, "maxsd xmm, m64") \
    _(maxss_xx, XX, "maxss xmm, xmm") \
    _(maxss_xm, XM, "maxss xmm, m32") \
    _(maxpd_xx, XX, "maxpd xmm, xmm") \
    _(maxpd_xm, XM, "maxpd xmm, m128") \
    _(maxps_xx, XX, "maxps xmm, xmm") \
    _(maxps_xm, XM, "maxps xmm, m128") \
    _(haddpd_xx, XX, "haddpd xmm, xmm") \
    _(haddpd_xm, XM, "haddpd xmm, m128") \
    _(haddps_xx, XX, "haddps xmm, xmm") \
    _(haddps_xm, XM, "haddps xmm, m128") \
    _(addsubpd_xx, XX, "addsubpd xmm, xmm") \
    _(addsubpd_xm, XM, "addsubpd xmm, m128") \
    /* SSE: bitwise logic */ \
    _(andpd_xx, XX, "andpd xmm, xmm") \
    _(andpd_xm, XM, "andpd xmm, m128") \
    _(andps_xx, XX, "andps xmm, xmm") \
    _(andps_xm, XM, "andps xmm, m128") \
    _(andnpd_xx, XX, "andnpd xmm, xmm") \
    _(andnpd_xm, XM, "andnpd xmm, m128") \
    _(andnps_xx, XX, "andnps xmm, xmm") \
    _(andnps_xm, XM, "andnps xmm, m128") \
    _(orpd_xx, XX, "orpd xmm, xmm") \
    _(orpd_xm, XM, "orpd xmm, m128") \
    _(orps_xx, XX, "orps xmm, xmm") \
    _(orps_xm, XM, "orps xmm, m128") \
    _(xorpd_xx, XX, "xorpd xmm, xmm") \
    _(xorpd_xm, XM, "xorpd xmm, m128") \
    _(xorps_xx, XX, "xorps xmm, xmm") \
    _(xorps_xm, XM, "xorps xmm, m128") \
    _(pand_xx, XX, "pand xmm, xmm") \
    _(pand_xm, XM, "pand xmm, m128") \
    _(pandn_xx, XX, "pandn xmm, xmm") \
    _(pandn_xm, XM, "pandn xmm, m128") \
    _(por_xx, XX, "por xmm, xmm") \
    _(por_xm, XM, "por xmm, m128") \
    _(pxor_xx, XX, "pxor xmm, xmm") \
    _(pxor_xm, XM, "pxor xmm, m128") \
    /* SSE: comparison */ \
    _(ucomisd_xx, XX, "ucomisd xmm, xmm") \
    _(ucomisd_xm, XM, "ucomisd xmm, m64") \
    _(comisd_xx, XX, "comisd xmm, xmm") \
    _(comisd_xm, XM, "comisd xmm, m64") \
    _(ucomiss_xx, XX, "ucomiss xmm, xmm") \
    _(ucomiss_xm, XM, "ucomiss xmm, m32") \
    _(comiss_xx, XX, "comiss xmm, xmm") \
    _(comiss_xm, XM, "comiss xmm, m32") \
    _(cmpsd_xxi, XXI, "cmpPPsd xmm, xmm") \
    _(cmpsd_xmi, XMI, "cmpPPsd xmm, m64") \
    _(cmpss_xxi, XXI, "cmpPPss xmm, xmm") \
    _(cmpss_xmi, XMI, "cmpPPss xmm, m32") \
    _(cmppd_xxi, XXI, "cmpPPpd xmm, xmm") \
    _(cmppd_xmi, XMI, "cmpPPpd xmm, m128") \
    _(cmpps_xxi, XXI, "cmpPPps xmm, xmm") \
    _(cmpps_xmi, XMI, "cmpPPps xmm, m128") \
    _(ptest_xx, XX, "ptest xmm, xmm") \
    _(ptest_xm, XM, "ptest xmm, m128") \
    _(movmskpd_rx, RX, "movmskpd r32, xmm") \
    _(movmskps_rx, RX, "movmskps r32, xmm") \
    _(pmovmskb_rx, RX, "pmovmskb r32, xmm") \
    /* SSE: conversions */ \
    _(cvtsi2sd_xr, XR, "cvtsi2sd xmm, r64") \
    _(cvtsi2sd_xm, XM, "cvtsi2sd xmm, m64") \
    _(cvtsi2sd32_xr, XR, "cvtsi2sd xmm, r32") \
    _(cvtsi2sd32_xm, XM, "cvtsi2sd xmm, m32") \
    _(cvttsd2si_rx, RX, "cvttsd2si r64, xmm") \
    _(cvttsd2si_rm, RM, "cvttsd2si r64, m64") \
    _(cvttsd2si32_rx, RX, "cvttsd2si r32, xmm") \
    _(cvttsd2si32_rm, RM, "cvttsd2si r32, m64") \
    _(cvtsd2si_rx, RX, "cvtsd2si r64, xmm") \
    _(cvtsd2si_rm, RM, "cvtsd2si r64, m64") \
    _(cvtsd2si32_rx, RX, "cvtsd2si r32, xmm") \
    _(cvtsd2si32_rm, RM, "cvtsd2si r32, m64") \
    _(cvtsi2ss_xr, XR, "cvtsi2ss xmm, r64") \
    _(cvtsi2ss_xm, XM, "cvtsi2ss xmm, m64") \
    _(cvtsi2ss32_xr, XR, "cvtsi2ss xmm, r32") \
    _(cvtsi2ss32_xm, XM, "cvtsi2ss xmm, m32") \
    _(cvttss2si_rx, RX, "cvttss2si r64, xmm") \
    _(cvttss2si_rm, RM, "cvttss2si r64, m32") \
    _(cvttss2si32_rx, RX, "cvttss2si r32, xmm") \
    _(cvttss2si32_rm, RM, "cvttss2si r32, m32") \
    _(cvtss2si_rx, RX, "cvtss2si r64, xmm") \
    _(cvtss2si_rm, RM, "cvtss2si r64, m32") \
    _(cvtss2si32_rx, RX, "cvtss2si r32, xmm") \
    _(cvtss2si32_rm, RM, "cvtss2si r32, m32") \
    _(cvtsd2ss_xx, XX, "cvtsd2ss xmm, xmm") \
    _(cvtsd2ss_xm, XM, "cvtsd2ss xmm, m64") \
    _(cvtss2sd_xx, XX, "cvtss2sd xmm, xmm") \
    _(cvtss2sd_xm, XM, "cvtss2sd xmm, m32") \
    _(cvtpd2ps_xx, XX, "cvtpd2ps xmm, xmm") \
    _(cvtpd2ps_xm, XM, "cvtpd2ps xmm, m128") \
    _(cvtps2pd_xx, XX, "cvtps2pd xmm, xmm") \
    _(cvtps2pd_xm, XM, "cvtps2pd xmm, m64") \
    _(cvtdq2pd_xx, XX, "cvtdq2pd xmm, xmm") \
    _(cvtdq2pd_xm, XM, "cvtdq2pd xmm, m64") \
    _(cvttpd2dq_xx, XX, "cvttpd2dq xmm, xmm") \
    _(cvttpd2dq_xm, XM, "cvttpd2dq xmm, m128") \
    _(cvtpd2dq_xx, XX, "cvtpd2dq xmm, xmm") \
    _(cvtpd2dq_xm, XM, "cvtpd2dq xmm, m128") \
    _(cvtdq2ps_xx, XX, "cvtdq2ps xmm, xmm") \
    _(cvtdq2ps_xm, XM, "cvtdq2ps xmm, m128") \
    _(cvttps2dq_xx, XX, "cvttps2dq xmm, xmm") \
    _(cvttps2dq_xm, XM, "cvttps2dq xmm, m128") \
    _(cvtps2dq_xx, XX, "cvtps2dq xmm, xmm") \
    _(cvtps2dq_xm, XM, "cvtps2dq xmm, m128") \
    /* SSE4.1: rounding (how: enum Rounding) */ \
    _(roundps_xxi, XXI, "roundps xmm, xmm, u8") \
    _(roundps_xmi, XMI, "roundps xmm, m128, u8") \
    _(roundpd_xxi, XXI, "roundpd xmm, xmm, u8") \
    _(roundpd_xmi, XMI, "roundpd xmm, m128, u8") \
    _(roundss_xxi, XXI, "roundss xmm, xmm, u8") \
    _(roundss_xmi, XMI, "roundss xmm, m32, u8") \
    _(roundsd_xxi, XXI, "roundsd xmm, xmm, u8") \
    _(roundsd_xmi, XMI, "roundsd xmm, m64, u8") \
    /* SSE: shuffles and blends */ \
    _(unpcklpd_xx, XX, "unpcklpd xmm, xmm") \
    _(unpcklpd_xm, XM, "unpcklpd xmm, m128") \
    _(unpckhpd_xx, XX, "unpckhpd xmm, xmm") \
    _(unpckhpd_xm, XM, "unpckhpd xmm, m128") \
    _(shufpd_xxi, XXI, "shufpd xmm, xmm, u8") \
    _(shufpd_xmi, XMI, "shufpd xmm, m128, u8") \
    _(unpcklps_xx, XX, "unpcklps xmm, xmm") \
    _(unpcklps_xm, XM, "unpcklps xmm, m128") \
    _(unpckhps_xx, XX, "unpckhps xmm, xmm") \
    _(unpckhps_xm, XM, "unpckhps xmm, m128") \
    _(shufps_xxi, XXI, "shufps xmm, xmm, u8") \
    _(shufps_xmi, XMI, "shufps xmm, m128, u8") \
    _(pshufd_xxi, XXI, "pshufd xmm, xmm, u8") \
    _(pshufd_xmi, XMI, "pshufd xmm, m128, u8") \
    _(pshuflw_xxi, XXI, "pshuflw xmm, xmm, u8") \
    _(pshuflw_xmi, XMI, "pshuflw xmm, m128, u8") \
    _(pshufhw_xxi, XXI, "pshufhw xmm, xmm, u8") \
    _(pshufhw_xmi, XMI, "pshufhw xmm, m128, u8") \
    _(pshufb_xx, XX, "pshufb xmm, xmm") \
    _(pshufb_xm, XM, "pshufb xmm, m128") \
    _(palignr_xxi, XXI, "palignr xmm, xmm, u8") \
    _(palignr_xmi, XMI, "palignr xmm, m128, u8") \
    _(punpcklbw_xx, XX, "punpcklbw xmm, xmm") \
    _(punpcklbw_xm, XM, "punpcklbw xmm, m128") \
    _(punpcklwd_xx, XX, "punpcklwd xmm, xmm") \
    _(punpcklwd_xm, XM, "punpcklwd xmm, m128") \
    _(punpckldq_xx, XX, "punpckldq xmm, xmm") \
    _(punpckldq_xm, XM, "punpckldq xmm, m128") \
    _(punpcklqdq_xx, XX, "punpcklqdq xmm, xmm") \
    _(punpcklqdq_xm, XM, "punpcklqdq xmm, m128") \
    _(punpckhbw_xx, XX, "punpckhbw xmm, xmm") \
    _(punpckhbw_xm, XM, "punpckhbw xmm, m128") \
    _(punpckhwd_xx, XX, "punpckhwd xmm, xmm") \
    _(punpckhwd_xm, XM, "punpckhwd xmm, m128") \
    _(punpckhdq_xx, XX, "punpckhdq xmm, xmm") \
    _(punpckhdq_xm, XM, "punpckhdq xmm, m128") \
    _(punpckhqdq_xx, XX, "punpckhqdq xmm, xmm") \
    _(punpckhqdq_xm, XM, "punpckhqdq xmm, m128") \
    _(packsswb_xx, XX, "packsswb xmm, xmm") \
    _(packsswb_xm, XM, "packsswb xmm, m128") \
    _(packssdw_xx, XX, "packssdw xmm, xmm") \
    _(packssdw_xm, XM, "packssdw xmm, m128") \
    _(packuswb_xx, XX, "packuswb xmm, xmm") \
    _(packuswb_xm, XM, "packuswb xmm, m128") \
    _(packusdw_xx, XX, "packusdw xmm, xmm") \
    _(packusdw_xm, XM, "packusdw xmm, m128") \
    _(blendps_xxi, XXI, "blendps xmm, xmm, u8") \
    _(blendps_xmi, XMI, "blendps xmm, m128, u8") \
    _(blendpd_xxi, XXI, "blendpd xmm, xmm, u8") \
    _(blendpd_xmi, XMI, "blendpd xmm, m128, u8") \
    _(pblendw_xxi, XXI, "pblendw xmm, xmm, u8") \
    _(pblendw_xmi, XMI, "pblendw xmm, m128, u8") \
    _(pblendvb_xx, XX, "pblendvb xmm, xmm, xmm0") \
    _(pblendvb_xm, XM, "pblendvb xmm, m128, xmm0") \
    _(blendvps_xx, XX, "blendvps xmm, xmm, xmm0") \
    _(blendvps_xm, XM, "blendvps xmm, m128, xmm0") \
    _(blendvpd_xx, XX, "blendvpd xmm, xmm, xmm0") \
    _(blendvpd_xm, XM, "blendvpd xmm, m128, xmm0") \
    /* SSE: moves between a lane and a general-purpose register or memory */ \
    _(pextrb_rxi, RXI, "pextrb r32, xmm, u8") \
    _(pextrb_mxi, MXI, "pextrb m8, xmm, u8") \
    _(pextrd_rxi, RXI, "pextrd r32, xmm, u8") \
    _(pextrd_mxi, MXI, "pextrd m32, xmm, u8") \
    _(pextrq_rxi, RXI, "pextrq r64, xmm, u8") \
    _(pextrq_mxi, MXI, "pextrq m64, xmm, u8") \
    _(pextrw_rxi, RXI, "pextrw r32, xmm, u8") \
    _(pextrw_mxi, MXI, "pextrw m16, xmm, u8") \
    _(pinsrb_xri, XRI, "pinsrb xmm, r32, u8") \
    _(pinsrb_xmi, XMI, "pinsrb xmm, m8, u8") \
    _(pinsrw_xri, XRI, "pinsrw xmm, r32, u8") \
    _(pinsrw_xmi, XMI, "pinsrw xmm, m16, u8") \
    _(pinsrd_xri, XRI, "pinsrd xmm, r32, u8") \
    _(pinsrd_xmi, XMI, "pinsrd xmm, m32, u8") \
    _(pinsrq_xri, XRI, "pinsrq xmm, r64, u8") \
    _(pinsrq_xmi, XMI, "pinsrq xmm, m64, u8") \
    /* SSE: packed integers. b: sixteen bytes, w: eight words, d: four 32-bit, q: two 64-bit lanes */ \
    _(paddb_xx, XX, "paddb xmm, xmm") \
    _(paddb_xm, XM, "paddb xmm, m128") \
    _(paddw_xx, XX, "paddw xmm, xmm") \
    _(paddw_xm, XM, "paddw xmm, m128") \
    _(paddd_xx, XX, "paddd xmm, xmm") \
    _(paddd_xm, XM, "paddd xmm, m128") \
    _(paddq_xx, XX, "paddq xmm, xmm") \
    _(paddq_xm, XM, "paddq xmm, m128") \
    _(psubb_xx, XX, "psubb xmm, xmm") \
    _(psubb_xm, XM, "psubb xmm, m128") \
    _(psubw_xx, XX, "psubw xmm, xmm") \
    _(psubw_xm, XM, "psubw xmm, m128") \
    _(psubd_xx, XX, "psubd xmm, xmm") \
    _(psubd_xm, XM, "psubd xmm, m128") \
    _(psubq_xx, XX, "psubq xmm, xmm") \
    _(psubq_xm, XM, "psubq xmm, m128") \
    _(paddsb_xx, XX, "paddsb xmm, xmm") \
    _(paddsb_xm, XM, "paddsb xmm, m128") \
    _(paddsw_xx, XX, "paddsw xmm, xmm") \
    _(paddsw_xm, XM, "paddsw xmm, m128") \
    _(paddusb_xx, XX, "paddusb xmm, xmm") \
    _(paddusb_xm, XM, "paddusb xmm, m128") \
    _(paddusw_xx, XX, "paddusw xmm, xmm") \
    _(paddusw_xm, XM, "paddusw xmm, m128") \
    _(psubsb_xx, XX, "psubsb xmm, xmm") \
    _(psubsb_xm, XM, "psubsb xmm, m128") \
    _(psubsw_xx, XX, "psubsw xmm, xmm") \
    _(psubsw_xm, XM, "psubsw xmm, m128") \
    _(psubusb_xx, XX, "psubusb xmm, xmm") \
    _(psubusb_xm, XM, "psubusb xmm, m128") \
    _(psubusw_xx, XX, "psubusw xmm, xmm") \
    _(psubusw_xm, XM, "psubusw xmm, m128") \
    _(pmullw_xx, XX, "pmullw xmm, xmm") \
    _(pmullw_xm, XM, "pmullw xmm, m128") \
    _(pmulhw_xx, XX, "pmulhw xmm, xmm") \
    _(pmulhw_xm, XM, "pmulhw xmm, m128") \
    _(pmulhuw_xx, XX, "pmulhuw xmm, xmm") \
    _(pmulhuw_xm, XM, "pmulhuw xmm, m128") \
    _(pmulld_xx, XX, "pmulld xmm, xmm") \
    _(pmulld_xm, XM, "pmulld xmm, m128") \
    _(pmuludq_xx, XX, "pmuludq xmm, xmm") \
    _(pmuludq_xm, XM, "pmuludq xmm, m128") \
    _(pmuldq_xx, XX, "pmuldq xmm, xmm") \
    _(pmuldq_xm, XM, "pmuldq xmm, m128") \
    _(pmaddwd_xx, XX, "pmaddwd xmm, xmm") \
    _(pmaddwd_xm, XM, "pmaddwd xmm, m128") \
    _(psadbw_xx, XX, "psadbw xmm, xmm") \
    _(psadbw_xm, XM, "psadbw xmm, m128") \
    _(phaddd_xx, XX, "phaddd xmm, xmm") \
    _(phaddd_xm, XM, "phaddd xmm, m128") \
    _(pcmpeqb_xx, XX, "pcmpeqb xmm, xmm") \
    _(pcmpeqb_xm, XM, "pcmpeqb xmm, m128") \
    _(pcmpeqw_xx, XX, "pcmpeqw xmm, xmm") \
    _(pcmpeqw_xm, XM, "pcmpeqw xmm, m128") \
    _(pcmpeqd_xx, XX, "pcmpeqd xmm, xmm") \
    _(pcmpeqd_xm, XM, "pcmpeqd xmm, m128") \
    _(pcmpeqq_xx, XX, "pcmpeqq xmm, xmm") \
    _(pcmpeqq_xm, XM, "pcmpeqq xmm, m128") \
    _(pcmpgtb_xx, XX, "pcmpgtb xmm, xmm") \
    _(pcmpgtb_xm, XM, "pcmpgtb xmm, m128") \
    _(pcmpgtw_xx, XX, "pcmpgtw xmm, xmm") \
    _(pcmpgtw_xm, XM, "pcmpgtw xmm, m128") \
    _(pcmpgtd_xx, XX, "pcmpgtd xmm, xmm") \
    _(pcmpgtd_xm, XM, "pcmpgtd xmm, m128") \
    _(pcmpgtq_xx, XX, "pcmpgtq xmm, xmm") \
    _(pcmpgtq_xm, XM, "pcmpgtq xmm, m128") \
    _(pminsb_xx, XX, "pminsb xmm, xmm") \
    _(pminsb_xm, XM, "pminsb xmm, m128") \
    _(pminsw_xx, XX, "pminsw xmm, xmm") \
    _(pminsw_xm, XM, "pminsw xmm, m128") \
    _(pminsd_xx, XX, "pminsd xmm, xmm") \
    _(pminsd_xm, XM, "pminsd xmm, m128") \
    _(pminub_xx, XX, "pminub xmm, xmm") \
    _(pminub_xm, XM, "pminub xmm, m128") \
    _(pminuw_xx, XX, "pminuw xmm, xmm") \
    _(pminuw_xm, XM, "pminuw xmm, m128") \
    _(pminud_xx, XX, "pminud xmm, xmm") \
    _(pminud_xm, XM, "pminud xmm, m128") \
    _(pmaxsb_xx, XX, "pmaxsb xmm, xmm") \
    _(pmaxsb_xm, XM, "pmaxsb xmm, m128") \
    _(pmaxsw_xx, XX, "pmaxsw xmm, xmm") \
    _(pmaxsw_xm, XM, "pmaxsw xmm, m128") \
    _(pmaxsd_xx, XX, "pmaxsd xmm, xmm") \
    _(pmaxsd_xm, XM, "pmaxsd xmm, m128") \
    _(pmaxub_xx, XX, "pmaxub xmm, xmm") \
    _(pmaxub_xm, XM, "pmaxub xmm, m128") \
    _(pmaxuw_xx, XX, "pmaxuw xmm, xmm") \
    _(pmaxuw_xm, XM, "pmaxuw xmm, m128") \
    _(pmaxud_xx, XX, "pmaxud xmm, xmm") \
    _(pmaxud_xm, XM, "pmaxud xmm, m128") \
    _(pabsb_xx, XX, "pabsb xmm, xmm") \
    _(pabsb_xm, XM, "pabsb xmm, m128") \
    _(pabsw_xx, XX, "pabsw xmm, xmm") \
    _(pabsw_xm, XM, "pabsw xmm, m128") \
    _(pabsd_xx, XX, "pabsd xmm, xmm") \
    _(pabsd_xm, XM, "pabsd xmm, m128") \
    /* SSE: packed shifts */ \
    _(psllw_xx, XX, "psllw xmm, xmm") \
    _(psllw_xm, XM, "psllw xmm, m128") \
    _(psllw_xi, XI, "psllw xmm, u8") \
    _(pslld_xx, XX, "pslld xmm, xmm") \
    _(pslld_xm, XM, "pslld xmm, m128") \
    _(pslld_xi, XI, "pslld xmm, u8") \
    _(psllq_xx, XX, "psllq xmm, xmm") \
    _(psllq_xm, XM, "psllq xmm, m128") \
    _(psllq_xi, XI, "psllq xmm, u8") \
    _(psrlw_xx, XX, "psrlw xmm, xmm") \
    _(psrlw_xm, XM, "psrlw xmm, m128") \
    _(psrlw_xi, XI, "psrlw xmm, u8") \
    _(psrld_xx, XX, "psrld xmm, xmm") \
    _(psrld_xm, XM, "psrld xmm, m128") \
    _(psrld_xi, XI, "psrld xmm, u8") \
    _(psrlq_xx, XX, "psrlq xmm, xmm") \
    _(psrlq_xm, XM, "psrlq xmm, m128") \
    _(psrlq_xi, XI, "psrlq xmm, u8") \
    _(psraw_xx, XX, "psraw xmm, xmm") \
    _(psraw_xm, XM, "psraw xmm, m128") \
    _(psraw_xi, XI, "psraw xmm, u8") \
    _(psrad_xx, XX, "psrad xmm, xmm") \
    _(psrad_xm, XM, "psrad xmm, m128") \
    _(psrad_xi, XI, "psrad xmm, u8") \
    _(psrldq_xi, XI, "psrldq xmm, u8") \
    _(pslldq_xi, XI, "pslldq xmm, u8") \
    /* SSE4.1: widening, with the sign or with zeros */ \
    _(pmovsxbw_xx, XX, "pmovsxbw xmm, xmm") \
    _(pmovsxbw_xm, XM, "pmovsxbw xmm, m64") \
    _(pmovsxbd_xx, XX, "pmovsxbd xmm, xmm") \
    _(pmovsxbd_xm, XM, "pmovsxbd xmm, m32") \
    _(pmovsxbq_xx, XX, "pmovsxbq xmm, xmm") \
    _(pmovsxbq_xm, XM, "pmovsxbq xmm, m16") \
    _(pmovsxwd_xx, XX, "pmovsxwd xmm, xmm") \
    _(pmovsxwd_xm, XM, "pmovsxwd xmm, m64") \
    _(pmovsxwq_xx, XX, "pmovsxwq xmm, xmm") \
    _(pmovsxwq_xm, XM, "pmovsxwq xmm, m32") \
    _(pmovsxdq_xx, XX, "pmovsxdq xmm, xmm") \
    _(pmovsxdq_xm, XM, "pmovsxdq xmm, m64") \
    _(pmovzxbw_xx, XX, "pmovzxbw xmm, xmm") \
    _(pmovzxbw_xm, XM, "pmovzxbw xmm, m64") \
    _(pmovzxbd_xx, XX, "pmovzxbd xmm, xmm") \
    _(pmovzxbd_xm, XM, "pmovzxbd xmm, m32") \
    _(pmovzxbq_xx, XX, "pmovzxbq xmm, xmm") \
    _(pmovzxbq_xm, XM, "pmovzxbq xmm, m16") \
    _(pmovzxwd_xx, XX, "pmovzxwd xmm, xmm") \
    _(pmovzxwd_xm, XM, "pmovzxwd xmm, m64") \
    _(pmovzxwq_xx, XX, "pmovzxwq xmm, xmm") \
    _(pmovzxwq_xm, XM, "pmovzxwq xmm, m32") \
    _(pmovzxdq_xx, XX, "pmovzxdq xmm, xmm") \
    _(pmovzxdq_xm, XM, "pmovzxdq xmm, m64")

#endif
