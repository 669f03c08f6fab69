/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the models have in common: how a step is taken, the power switch, and
 * who dies.
 */
/* The actions of a step in turn. The host may die before any of them. */
#define STEP(host, state, act) \
    do \
    :: i < ACTIONS && todo[i] != 0 -> \
        if \
        :: host && crashes > 0 -> \
            crashes--; host = false; printf("its host dies\n") \
        :: true \
        fi; \
        if \
        :: host -> act(todo[i]) \
        :: else \
        fi; \
        todo[i] = 0; \
        i++ \
    :: else -> break \
    od; \
    state = next; \
    next = 0; \
    i = 0

inline primary_step(t)
{
    primary_cell(t);
    STEP(p_host, ps, primary_act);
    pt = 0
}

inline secondary_step(t)
{
    secondary_cell(t);
    STEP(s_host, ss, secondary_act);
    st = 0
}

/* The power switch serves one at a time, and none that is off. */
active proctype Switch()
{
end:
    do
    :: atomic { p_fence && p_host ->
                p_fence = false;
                if
                :: true -> s_host = false; p_fenced = 1
                :: fails > 0 -> fails--; p_fenced = 2
                fi }
    :: atomic { s_fence && s_host ->
                s_fence = false;
                if
                :: true -> p_host = false; s_fenced = 1
                :: fails > 0 -> fails--; s_fenced = 2
                fi }
    od
}

active proctype Mishap()
{
end:
    do
    :: atomic { crashes > 0 && p_host -> crashes--; p_host = false;
                printf("the primary's host dies\n") }
    :: atomic { crashes > 0 && s_host -> crashes--; s_host = false;
                printf("the secondary's host dies\n") }
    /* What a dead host had not sent yet. */
    :: atomic { !p_host && len(p2s) > 0 && !p_silent -> p_silent = true }
    :: atomic { !s_host && len(s2p) > 0 && !s_silent -> s_silent = true }
    :: atomic { crashes > 0 && P_LIVES -> crashes--; p_xl = false;
                printf("the primary's process dies\n") }
    :: atomic { crashes > 0 && S_LIVES -> crashes--; s_xl = false;
                printf("the secondary's process dies\n") }
    :: atomic { crashes > 0 && !cut -> crashes--; cut = true;
                printf("the link is cut\n") }
    od
}

